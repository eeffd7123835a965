/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in test source: numbered greetings. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"
#include "connectors/connector_internal.h"

static const char greeting[] = "Hello, Torvyn! (";
#define GREETING_LENGTH (sizeof(greeting) - 1)
#define TEXT_MAX        (GREETING_LENGTH + 20 + 1)

struct generator {
    struct tvn_connector connector;
    uint64_t count;
    uint64_t made;
    uint64_t payload_bytes; /* 0: the text as it is */
    char payload[];         /* max(payload_bytes, TEXT_MAX) bytes */
};

/* Returns the text's length, at most TEXT_MAX. */
static size_t write_text(char *out, uint64_t number)
{
    char digits[20];
    size_t digit_count = 0;
    do {
        digits[digit_count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(out, greeting, GREETING_LENGTH);
    size_t length = GREETING_LENGTH;
    while (digit_count > 0) {
        out[length++] = digits[--digit_count];
    }
    out[length++] = ')';
    return length;
}

static enum tvn_outcome generator_invoke(struct tvn_invoker *self, enum tvn_entry entry,
                                         struct tvn_call *call)
{
    struct generator *generator = TVN_CONTAINER_OF(self, struct generator, connector.invoker);
    tvn_assert(entry == TVN_ENTRY_PULL);
    if (generator->made == generator->count) {
        return TVN_OUTCOME_END;
    }
    /* Numbers only grow, so the text always covers what stood there before. */
    size_t length = write_text(generator->payload, generator->made + 1);
    if (generator->payload_bytes > 0) {
        length = generator->payload_bytes;
    }
    enum tvn_outcome outcome =
        tvn_connector_emit(&generator->connector, generator->payload, length, call);
    generator->made += outcome == TVN_OUTCOME_EMIT;
    return outcome;
}

static bool generator_has_entry(const struct tvn_invoker *self, enum tvn_entry entry)
{
    (void)self;
    return entry == TVN_ENTRY_PULL;
}

static void generator_destroy(struct tvn_invoker *self)
{
    tvn_free(TVN_CONTAINER_OF(self, struct generator, connector.invoker));
}

static const struct tvn_invoker_ops generator_ops = {
    .invoke = generator_invoke,
    .has_entry = generator_has_entry,
    .destroy = generator_destroy,
};

enum tvn_status tvn_generator_create(const struct tvn_connector_options *options,
                                     struct tvn_invoker **out_invoker)
{
    struct tvn_connector connector;
    TVN_TRY(tvn_connector_init(&connector, options, &generator_ops, TVN_ROLE_SOURCE));
    uint64_t longest = tvn_max(options->payload_bytes, (uint64_t)TEXT_MAX);
    if (longest > connector.max_bytes) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    struct generator *generator = tvn_malloc(sizeof(*generator) + longest);
    if (!generator) {
        return TVN_E_OUT_OF_MEMORY;
    }
    *generator = (struct generator){
        .connector = connector,
        .count = options->spec.count,
        .payload_bytes = options->payload_bytes,
    };
    memset(generator->payload, '.', longest);
    *out_invoker = &generator->connector.invoker;
    return TVN_OK;
}
