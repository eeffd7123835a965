/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Whether what one side offers of an interface serves what the other side uses of it: link asks it
 * of contracts and binaries, the engine again of what it binds. Specification: Versioning and
 * Compatibility Rules.
 *
 * Threads: pure functions. Memory: results point into the models compared.
 */
#include "contracts/model.h"

enum tvn_version_fit {
    TVN_VERSION_FITS,
    TVN_VERSION_OTHER_MAJOR,
    TVN_VERSION_TOO_OLD, /* what is offered is older than what is used */
};
/* Same major, used <= offered. A missing version fits: the structure decides. */
enum tvn_version_fit tvn_version_fit(const struct tvn_semver *used,
                                     const struct tvn_semver *offered);

/* Structurally equal, where two resources are the same if they have the same name: a binary makes
 * identities of its own for the resources that it imports. */
bool tvn_contract_func_equal(const struct tvn_func_type *a, const struct tvn_func_type *b);

enum tvn_contract_fault {
    TVN_CONTRACT_FITS,
    TVN_CONTRACT_FUNC_MISSING,
    TVN_CONTRACT_FUNC_DIFFERS,
};
struct tvn_contract_difference {
    enum tvn_contract_fault fault;
    const struct tvn_func *used;
    const struct tvn_func *offered; /* NULL when missing */
};
/* The first function of `used` that `offered` does not have, or has with another type. */
struct tvn_contract_difference tvn_contract_compare(const struct tvn_interface *used,
                                                    const struct tvn_interface *offered);
