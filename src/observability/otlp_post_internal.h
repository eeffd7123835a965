/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One request after the other to one collector, by any of the protocols. Threads: one, but for
 * otlp_post_hurry. */
#include "observability/otlp_export.h"

enum otlp_signal { OTLP_METRICS, OTLP_TRACES };

enum otlp_post_result {
    OTLP_POST_SENT,
    OTLP_POST_RETRY, /* not now */
    OTLP_POST_LOST,  /* refused */
};

struct otlp_post_report {
    uint64_t retry_ms; /* RETRY: not before */
    bool told;         /* by the collector */
    uint64_t rejected; /* SENT: of what was sent */
};

struct otlp_post;

TVN_NODISCARD enum tvn_status otlp_post_create(enum otlp_signal signal,
                                               const struct tvn_otlp_target *target,
                                               const struct tvn_otlp_resource *resource,
                                               struct otlp_post **out_post);
void otlp_post_destroy(struct otlp_post *post);
TVN_DEFINE_CLEANUP(otlp_post, otlp_post_destroy)

const struct tvn_otlp_resource *otlp_post_resource(const struct otlp_post *post);
enum tvn_otlp_encoding otlp_post_encoding(const struct otlp_post *post);
/* Where to write the request's message. */
struct tvn_strbuf *otlp_post_begin(struct otlp_post *post);
/* Until deadline_ns at most. The request stays, for another try. */
enum otlp_post_result otlp_post_send(struct otlp_post *post, uint64_t deadline_ns,
                                     struct otlp_post_report *out_report);
/* Any thread. From now on no request lasts longer than until deadline_ns. */
void otlp_post_hurry(struct otlp_post *post, uint64_t deadline_ns);
