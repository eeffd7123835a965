/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The body of the fuzz target wasi_paths; in a file of its own since it looks inside the module. */
#include <stddef.h>
#include <stdint.h>

void wasi_paths_once(const uint8_t *data, size_t size);
