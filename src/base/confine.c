/*
 * The system calls behind confine.h. Landlock has no wrappers in the C
 * library; constants that are newer than the headers are written out here.
 */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#endif

/* What needs no device to be made inside the folder. */
#define FILES                                                                                             \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |      \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define NEVER                                                                                              \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |           \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* ---- the account ---- */

int account_find(const char *name, struct account *ret_account)
{
    errno = 0;
    const struct passwd *found = getpwnam(name);

    if (!found)
        return errno && errno != ENOENT && errno != ESRCH ? -errno : 1;
    *ret_account = (struct account){ .name = name, .uid = found->pw_uid, .gid = found->pw_gid };
    return 0;
}

int confine_become(const struct account *account)
{
    uid_t real, effective, saved;

    if (initgroups(account->name, account->gid) || setresgid(account->gid, account->gid, account->gid) ||
        setresuid(account->uid, account->uid, account->uid) || getresuid(&real, &effective, &saved))
        return -errno;
    if (real != account->uid || effective != account->uid || saved != account->uid)
        return -EPERM;
    return account->uid != 0 && (setuid(0) == 0 || setgid(0) == 0 || seteuid(0) == 0) ? -EPERM : 0;
}

/* ---- the process ---- */

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) ? -errno : 0;
}

/* Version 1 knows neither renames between folders nor truncating by itself. */
static uint64_t rights_of(int version)
{
    uint64_t rights = FILES;

    if (version >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

static int enforce(int rules, const char *folder, uint64_t rights)
{
    struct landlock_path_beneath_attr beneath = { .allowed_access = rights };

    if (!folder)
        return syscall(SYS_landlock_restrict_self, rules, 0) ? -errno : 0;
    beneath.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return -errno;
    int r = 0;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) ||
        syscall(SYS_landlock_restrict_self, rules, 0))
        r = -errno;
    close(beneath.parent_fd);
    return r;
}

static int restrict_writing(const char *folder, int *ret_version)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    *ret_version = 0;
    if (version < 1)
        return 0; /* a kernel without it, or with it switched off */
    uint64_t rights = rights_of((int)version);
    const struct landlock_ruleset_attr attr = { .handled_access_fs = rights | NEVER };
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (rules < 0)
        return -errno;
    int r = enforce(rules, folder, rights);
    close(rules);
    if (r == 0)
        *ret_version = (int)version;
    return r;
}

int confine_process(const char *folder, int *ret_landlock)
{
    const struct rlimit no_core = { 0, 0 };

    umask(077);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_CORE, &no_core))
        return -errno;
    int r = drop_capabilities();
    if (r == 0)
        r = restrict_writing(folder, ret_landlock);
    if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        r = -errno;
    return r;
}
