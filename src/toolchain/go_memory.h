/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The one thing that a module of Go lacks to become a component. The adapter between WASI 0.1 and
 * 0.2 needs memory inside the module before Go's runtime has started, and that runtime takes all
 * memory for its own. So sdk/go/host.go sets an array aside, which begins with TVN_GO_MEMORY_MARK,
 * and the module gets a function beside those of Go, `cabi_realloc_adapter`, which gives parts of
 * it away and takes none back: the adapter asks twice.
 *
 * Threads: any. Memory: the caller's. Limits: none of its own; the input is read once.
 */
#include "base/status.h"
#include "base/str.h"

/* 24 bytes; the array's next four count how much is given away, from its 32nd byte. */
#define TVN_GO_MEMORY_MARK  "torvyn: for the adapter\n"
#define TVN_GO_MEMORY_BYTES 196608

/*
 * COLD PATH. Appends the changed module to `out`. TVN_NOT_FOUND: it exports no `cabi_realloc`, or
 * the mark is not in its data exactly once; TVN_E_COMPONENT_INVALID: it is no module that can be
 * read; TVN_E_OUT_OF_MEMORY. No diagnostic.
 */
TVN_NODISCARD enum tvn_status tvn_go_memory_share(struct tvn_str module, struct tvn_strbuf *out);
