/*
 * What a confined process can still do. Each case runs in a child, as there is
 * no way back. The account is nobody's, where the test may change to it.
 */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char inside[64], outside[64];

static int make_folders(void **state ATTR_UNUSED)
{
    strcpy(inside, "/tmp/ewsd-confine-in-XXXXXX");
    strcpy(outside, "/tmp/ewsd-confine-out-XXXXXX");
    return mkdtemp(inside) && mkdtemp(outside) && chmod(inside, 0777) == 0 && chmod(outside, 0777) == 0 ? 0 : -1;
}

static int remove_folders(void **state ATTR_UNUSED)
{
    char path[128];
    const char *const folders[] = { inside, outside };
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof(path), "%s/file", folders[i]);
        unlink(path);
        snprintf(path, sizeof(path), "%s/before", folders[i]);
        unlink(path);
        if (rmdir(folders[i]))
            return -1;
    }
    return 0;
}

/* 0, or the line at which the child saw something wrong. */
static int in_child(int (*body)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            return __LINE__ & 0xff; \
    } while (0)

static int make(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    struct stat info;
    int r = fstat(fd, &info) || write(fd, "x", 1) != 1 ? -errno : (int)(info.st_mode & 0777);
    close(fd);
    return r;
}

static int writes_only_inside(void)
{
    int landlock;
    CHECK(make(outside, "before") > 0);
    CHECK(confine_process(inside, &landlock) == 0);
    CHECK(make(inside, "file") == 0600); /* the umask */
    if (landlock == 0) {
        fputs("test_confine: this kernel has no Landlock; writing outside is not tested\n", stderr);
        return 0;
    }
    CHECK(make(outside, "file") == -EACCES);
    CHECK(make(outside, "before") == -EACCES);
    char from[128], to[128];
    snprintf(from, sizeof(from), "%s/file", inside);
    snprintf(to, sizeof(to), "%s/file", outside);
    CHECK(rename(from, to) != 0);
    snprintf(to, sizeof(to), "%s/before", outside);
    CHECK(unlink(to) != 0 && errno == EACCES);
    CHECK(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0);
    CHECK(execl("/bin/true", "true", NULL) == -1 && errno == EACCES);
    return 0;
}

static void test_writes_only_inside(void **state ATTR_UNUSED)
{
    assert_int_equal(in_child(writes_only_inside), 0);
}

static int has_no_rights(void)
{
    int landlock;
    struct rlimit core;
    char line[256];
    bool seen = false;
    CHECK(confine_process(inside, &landlock) == 0);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
    CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
    FILE *status = fopen("/proc/self/status", "re");
    CHECK(status);
    while (fgets(line, sizeof(line), status))
        if (strncmp(line, "CapEff:", 7) == 0 || strncmp(line, "CapPrm:", 7) == 0) {
            CHECK(strstr(line, "0000000000000000"));
            seen = true;
        }
    fclose(status);
    CHECK(seen);
    return 0;
}

static void test_has_no_rights(void **state ATTR_UNUSED)
{
    assert_int_equal(in_child(has_no_rights), 0);
}

static int becomes_nobody(void)
{
    struct account nobody;
    CHECK(account_find("nobody", &nobody) == 0);
    int r = confine_become(&nobody);
    if (getuid() != 0 && r == -EPERM)
        return 0; /* not root: refused, and nothing changed */
    CHECK(r == 0);
    CHECK(getuid() == nobody.uid && geteuid() == nobody.uid && getgid() == nobody.gid);
    CHECK(setuid(0) != 0 && setgid(0) != 0);
    return 0;
}

static void test_becomes_nobody(void **state ATTR_UNUSED)
{
    struct account account;
    assert_int_equal(account_find("no-such-account-here", &account), 1);
    assert_int_equal(in_child(becomes_nobody), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_only_inside),
        cmocka_unit_test(test_has_no_rights),
        cmocka_unit_test(test_becomes_nobody),
    };
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
