/*
 * The main function of a target that is built without the fuzzer: runs it over
 * the files that are named. A line "ok FILE" follows each, so the file without
 * one is what crashed it, or took longer than SECONDS.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECONDS 20

/* Memory of exactly its size, so that reading past it is noticed. */
static uint8_t *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "re");
    if (!file || fseek(file, 0, SEEK_END))
        return NULL;
    long size = ftell(file);
    uint8_t *bytes = size < 0 ? NULL : malloc((size_t)size);
    rewind(file);
    if (bytes && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    *ret_size = (size_t)size;
    return bytes;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t size;
        uint8_t *bytes = read_file(argv[i], &size);
        if (!bytes) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 1;
        }
        alarm(SECONDS);
        (void)LLVMFuzzerTestOneInput(bytes, size);
        alarm(0);
        free(bytes);
        printf("ok %s\n", argv[i]);
        fflush(stdout);
    }
    return 0;
}
