/* file.h -- what reading and writing whole files share. */
#ifndef CKI_FILE_H
#define CKI_FILE_H

#include "base/base.h"

/* CKKS_EIO: "name: what path: the system's reason", as in "writing". */
ckks_status cki_file_fail(const char *name, const char *what, const char *path,
                          int error);

#endif
