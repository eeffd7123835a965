/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A second wall around the filesystem grants, by the kernel's Landlock: whatever goes wrong above,
 * the thread cannot open, make, change or remove a file but beneath the granted directories.
 *
 * The compiling process uses it with no sandbox at all. A process that runs flows does not: it is
 * an option for a process or thread that runs nothing but guests of these sandboxes (one flow in a
 * process of its own), because it cannot be taken back, holds for every thread started from then
 * on, and forbids the thread everything else by path too, such as the code cache, the resolver's
 * files and new log files. Descriptors that are open already go on working. Network
 * grants are not its business.
 *
 * Threads: confines the caller. Memory: none is kept.
 */
#include "base/compiler.h"
#include "base/status.h"

#include <stddef.h>

struct tvn_sandbox;

/*
 * COLD PATH. TVN_NOT_FOUND when the kernel has no Landlock, or one that cannot forbid to truncate
 * (before ABI 3): the thread is as it was. TVN_E_IO_ERROR when the kernel refused: the thread is
 * not confined. A granted directory that cannot be opened is left out.
 */
TVN_NODISCARD enum tvn_status tvn_wasi_landlock(const struct tvn_sandbox *const *sandboxes,
                                                size_t count);
