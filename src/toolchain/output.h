/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files that this module makes: written beside their place, then renamed, with the folders that
 * they need. What stood there is replaced, a link is not followed.
 */
#include "base/status.h"
#include "base/str.h"

// COLD PATH. Makes the folders above `path`. TVN_E_IO_ERROR (errno), TVN_E_OUT_OF_MEMORY.
TVN_NODISCARD enum tvn_status tvn_output_make_folders(const char *path);
/* COLD PATH. TVN_E_IO_ERROR (errno), TVN_E_OUT_OF_MEMORY (errno ENOMEM). */
TVN_NODISCARD enum tvn_status tvn_output_write(const char *path, struct tvn_str content);
