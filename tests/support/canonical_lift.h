/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One input of the fuzz target canonical_lift: tests/unit/component/canonical_lift.c. */
#include <stddef.h>
#include <stdint.h>

void canonical_lift_once(const uint8_t *data, size_t size);
