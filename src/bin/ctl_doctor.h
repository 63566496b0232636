/*
 * ewsctl doctor: what it looks at is doctor.def, what it finds a record each.
 */
#ifndef EWSD_BIN_CTL_DOCTOR_H
#define EWSD_BIN_CTL_DOCTOR_H

#include "bin/ctl.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct doctor {
    struct ctl_call *call;
    const char *name; /* of the exam */
    bool failed;
};

typedef int doctor_exam(struct doctor *doctor);

#define EXAM(place, name) doctor_exam doctor_##name;
#include "bin/doctor.def"
#undef EXAM

/* advice: what to do, NULL for none. Gives 0. */
int doctor_find(struct doctor *doctor, enum finding finding, const char *advice, const char *format, ...) ATTR_PRINTF(4, 5);
/* The exams, one after another: CTL_FOUND when one failed. */
struct exam {
    const char *name;
    doctor_exam *run;
};
int doctor_run(struct ctl_call *call, const struct exam *exams, size_t n);

#endif
