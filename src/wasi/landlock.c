/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/landlock.h"

#include "base/assert.h"
#include "base/file.h"
#include "types/sandbox.h"
#include "wasi/beneath_internal.h"

#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ABI_MIN 3
/* Of ABI 3; older headers do not have it. */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* A directory is opened for reading to synchronise it; what it lists is the guard's business. */
#define WRITE_RIGHTS                                                                           \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | ACCESS_TRUNCATE |           \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                          \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM | \
     LANDLOCK_ACCESS_FS_REFER)
/* Every right of ABI 3, so that what is not allowed is forbidden: running programs, devices. */
#define ALL_RIGHTS ((ACCESS_TRUNCATE << 1) - 1)

static bool allow(int ruleset, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = -1};
    int fd = -1;
    if (tvn_beneath_root(path, &fd) != 0) {
        return true; /* nothing to allow: the guest gets no such directory either */
    }
    rule.parent_fd = fd;
    long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    tvn_fd_close(&fd);
    return result == 0;
}

static bool allow_sandbox(int ruleset, const struct tvn_sandbox *sandbox)
{
    bool allowed = true;
    for (size_t i = 0; allowed && i < sandbox->grant_count; i++) {
        const struct tvn_grant *grant = &sandbox->grants[i];
        const char *path = grant->scope ? grant->scope : "/";
        if (grant->capability == TVN_CAP_FILESYSTEM_READ) {
            allowed = allow(ruleset, path, READ_RIGHTS);
        } else if (grant->capability == TVN_CAP_FILESYSTEM_WRITE) {
            allowed = allow(ruleset, path, WRITE_RIGHTS);
        }
    }
    return allowed;
}

enum tvn_status tvn_wasi_landlock(const struct tvn_sandbox *const *sandboxes, size_t count)
{
    tvn_assert(sandboxes || count == 0);
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < ABI_MIN) {
        return TVN_NOT_FOUND;
    }
    const struct landlock_ruleset_attr rules = {.handled_access_fs = ALL_RIGHTS};
    /* Only the first field: every kernel knows it. */
    int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules.handled_access_fs), 0);
    bool confined = ruleset >= 0;
    for (size_t i = 0; confined && i < count; i++) {
        confined = allow_sandbox(ruleset, sandboxes[i]);
    }
    confined = confined && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    tvn_fd_close(&ruleset);
    return confined ? TVN_OK : TVN_E_IO_ERROR;
}
