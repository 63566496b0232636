/*
 * The program's entry: picks the command and answers --help and --version.
 */
#include "bin/dev.h"
#include "bin/serve.h"

#include <stdio.h>

static const char usage[] = "usage: ewsd serve --config FILE [OPTION]...\n"
                            "       ewsd dev [OPTION]...\n"
                            "       ewsd --help | --version\n"
                            "\n"
                            "  serve   the server for real mail; see ewsd serve --help\n"
                            "  dev     a server for trying and testing EWS clients; see ewsd dev --help\n";

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "dev") == 0)
        return dev_main(argc - 1, argv + 1);
    if (strcmp(command, "serve") == 0)
        return serve_main(argc - 1, argv + 1);
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0) {
        fputs(usage, stdout);
        return EXIT_OK;
    }
    if (strcmp(command, "--version") == 0 || strcmp(command, "-V") == 0) {
        puts("ewsd " EWSD_VERSION);
        return EXIT_OK;
    }
    if (*command)
        fprintf(stderr, "ewsd: no such command: %s\n", command);
    fputs(usage, stderr);
    return EXIT_USAGE;
}
