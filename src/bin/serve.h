/*
 * `ewsd serve`: the gateway for real mail, as its configuration file says.
 * Exit statuses are sysexits': 64 for a wrong command line, 78 for a wrong
 * configuration, 1 for what failed later.
 */
#ifndef EWSD_BIN_SERVE_H
#define EWSD_BIN_SERVE_H

#include "bin/server.h"

/* What no single setting tells: files that are to be there, settings that go
 * together. False: something is wrong, all of which was reported. */
bool serve_check(const struct conf *conf, struct conf_report *report);

/* Runs until SIGTERM or SIGINT, or only checks; an exit status. */
int serve_main(int argc, char **argv);

#endif
