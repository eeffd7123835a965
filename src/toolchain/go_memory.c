/* SPDX-License-Identifier: Apache-2.0 */
#include "toolchain/go_memory.h"

#include "base/assert.h"

#include <assert.h>

#define PREAMBLE      "\0asm\1\0\0\0"
#define PREAMBLE_SIZE 8
#define SECTIONS_MAX  64 /* a module has each of its 13 once, and some of its own making */
#define MARK_SIZE     (sizeof(TVN_GO_MEMORY_MARK) - 1)
#define HEADER_SIZE   32
#define EXPORTED      "cabi_realloc"
#define ADDED         "cabi_realloc_adapter"

static_assert(MARK_SIZE == 24, "the count of what is given away follows the mark");

enum kind { KIND_FUNCTION, KIND_TABLE, KIND_MEMORY, KIND_GLOBAL };
enum section {
    SECTION_IMPORT = 2,
    SECTION_FUNCTION = 3,
    SECTION_EXPORT = 7,
    SECTION_CODE = 10,
    SECTION_DATA = 11
};
enum instruction {
    BLOCK_VOID = 0x40,
    UNREACHABLE = 0x00,
    IF = 0x04,
    END = 0x0b,
    LOCAL_GET = 0x20,
    LOCAL_SET = 0x21,
    I32_LOAD = 0x28,
    I32_STORE = 0x36,
    I32_CONST = 0x41,
    I32_GT_U = 0x4b,
    I32_ADD = 0x6a,
    I32_SUB = 0x6b,
    I32_AND = 0x71,
    I32 = 0x7f,
};

/* What is left to read; once it failed everything read is 0. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct module {
    struct {
        uint8_t id;
        struct tvn_str body;
    } sections[SECTIONS_MAX];
    size_t section_count;
    uint32_t imported; /* functions */
    uint32_t defined;  /* functions */
    uint32_t realloc;  /* index of cabi_realloc, whose type the new function has */
    uint32_t type;     /* index of that type */
    uint32_t memory;   /* address of the mark */
    unsigned marks;
    bool has_realloc;
};

/* ---- reading ---- */

static uint8_t read_byte(struct reader *reader)
{
    if (reader->failed || reader->at == reader->end) {
        reader->failed = true;
        return 0;
    }
    return *reader->at++;
}

static uint32_t read_number(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = read_byte(reader);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            reader->failed |= value > UINT32_MAX;
            return reader->failed ? 0 : (uint32_t)value;
        }
    }
    reader->failed = true;
    return 0;
}

/* A signed number as the address that its bits are. */
static uint32_t read_address(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = read_byte(reader);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            bool negative = byte & 0x40;
            value |= negative && shift + 7 < 64 ? UINT64_MAX << (shift + 7) : 0;
            return reader->failed ? 0 : (uint32_t)value;
        }
    }
    reader->failed = true;
    return 0;
}

static struct tvn_str read_bytes(struct reader *reader)
{
    uint32_t length = read_number(reader);
    if (reader->failed || length > (size_t)(reader->end - reader->at)) {
        reader->failed = true;
        return (struct tvn_str){"", 0};
    }
    struct tvn_str bytes = {(const char *)reader->at, length};
    reader->at += length;
    return bytes;
}

static struct reader reader_of(struct tvn_str bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    return (struct reader){.at = at, .end = at + bytes.len};
}

static void skip_limits(struct reader *reader)
{
    uint8_t flags = read_byte(reader);
    (void)read_number(reader);
    if (flags & 1) {
        (void)read_number(reader);
    }
}

static void read_import(struct reader *reader, struct module *module)
{
    (void)read_bytes(reader);
    (void)read_bytes(reader);
    switch (read_byte(reader)) {
    case KIND_FUNCTION:
        (void)read_number(reader);
        module->imported++;
        break;
    case KIND_TABLE: /* its type, then limits */
        (void)read_byte(reader);
        skip_limits(reader);
        break;
    case KIND_MEMORY:
        skip_limits(reader);
        break;
    case KIND_GLOBAL: /* type, whether it changes */
        (void)read_byte(reader);
        (void)read_byte(reader);
        break;
    default:
        reader->failed = true;
        break;
    }
}

static bool read_imports(struct module *module, struct reader reader)
{
    uint32_t count = read_number(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        read_import(&reader, module);
    }
    return !reader.failed;
}

static bool read_exports(struct module *module, struct reader reader)
{
    uint32_t count = read_number(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        struct tvn_str name = read_bytes(&reader);
        uint8_t kind = read_byte(&reader);
        uint32_t index = read_number(&reader);
        if (kind == KIND_FUNCTION && tvn_str_is(name, EXPORTED)) {
            module->realloc = index;
            module->has_realloc = true;
        }
    }
    return !reader.failed;
}

/* The type of cabi_realloc, which must be the module's own. */
static bool read_functions(struct module *module, struct reader reader)
{
    bool found = false;
    module->defined = read_number(&reader);
    for (uint32_t i = 0; i < module->defined && !reader.failed; i++) {
        uint32_t type = read_number(&reader);
        if (module->has_realloc && (uint64_t)module->imported + i == module->realloc) {
            module->type = type;
            found = true;
        }
    }
    return !reader.failed && (found || !module->has_realloc);
}

static void look_for_mark(struct module *module, uint32_t address, struct tvn_str bytes)
{
    for (size_t i = 0; i + MARK_SIZE <= bytes.len; i++) {
        const char *found = memchr(bytes.ptr + i, TVN_GO_MEMORY_MARK[0], bytes.len - i);
        if (!found || (size_t)(bytes.ptr + bytes.len - found) < MARK_SIZE) {
            return;
        }
        i = (size_t)(found - bytes.ptr);
        if (memcmp(found, TVN_GO_MEMORY_MARK, MARK_SIZE) == 0) {
            module->memory = address + (uint32_t)i;
            module->marks++;
        }
    }
}

/* Active segments of the only memory, whose place is a constant: there are no others in Go's. */
static bool read_data(struct module *module, struct reader reader)
{
    uint32_t count = read_number(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        reader.failed |= read_number(&reader) != 0 || read_byte(&reader) != I32_CONST;
        uint32_t address = read_address(&reader);
        reader.failed |= read_byte(&reader) != END;
        look_for_mark(module, address, read_bytes(&reader));
    }
    return !reader.failed;
}

static bool read_sections(struct module *module, struct tvn_str bytes)
{
    if (bytes.len < PREAMBLE_SIZE || memcmp(bytes.ptr, PREAMBLE, PREAMBLE_SIZE) != 0) {
        return false;
    }
    struct reader reader = reader_of(tvn_str_slice(bytes, PREAMBLE_SIZE, bytes.len));
    while (reader.at < reader.end && !reader.failed) {
        if (module->section_count == SECTIONS_MAX) {
            return false;
        }
        uint8_t id = read_byte(&reader);
        module->sections[module->section_count].id = id;
        module->sections[module->section_count++].body = read_bytes(&reader);
    }
    return !reader.failed;
}

/* False also without the section. */
static bool read_section(struct module *module, enum section id,
                         bool (*read)(struct module *module, struct reader reader))
{
    for (size_t i = 0; i < module->section_count; i++) {
        if (module->sections[i].id == id) {
            return read(module, reader_of(module->sections[i].body));
        }
    }
    return false;
}

static bool read_code(struct module *module, struct reader reader)
{
    return read_number(&reader) == module->defined && !reader.failed;
}

static enum tvn_status read_module(struct module *module, struct tvn_str bytes)
{
    bool readable = read_sections(module, bytes) &&
                    read_section(module, SECTION_IMPORT, read_imports) &&
                    read_section(module, SECTION_EXPORT, read_exports) &&
                    read_section(module, SECTION_FUNCTION, read_functions) &&
                    read_section(module, SECTION_CODE, read_code) &&
                    read_section(module, SECTION_DATA, read_data);
    if (!readable) {
        return TVN_E_COMPONENT_INVALID;
    }
    return module->has_realloc && module->marks == 1 ? TVN_OK : TVN_NOT_FOUND;
}

/* ---- writing ---- */

static void add_number(struct tvn_strbuf *out, uint64_t value)
{
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        tvn_strbuf_add_char(out, (char)(value ? byte | 0x80 : byte));
    } while (value);
}

static void add_bytes(struct tvn_strbuf *out, struct tvn_str bytes)
{
    add_number(out, bytes.len);
    tvn_strbuf_add_str(out, bytes);
}

/* i32.const of an address: a signed number. */
static void add_constant(struct tvn_strbuf *out, uint32_t address)
{
    int64_t value = (int32_t)address;
    tvn_strbuf_add_char(out, I32_CONST);
    for (;;) {
        uint8_t byte = value & 0x7f;
        value >>= 7; /* keeps the sign */
        bool last = (value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40));
        tvn_strbuf_add_char(out, (char)(last ? byte : byte | 0x80));
        if (last) {
            return;
        }
    }
}

static void add_code(struct tvn_strbuf *out, const uint8_t *code, size_t length)
{
    tvn_strbuf_add(out, (const char *)code, length);
}
#define ADD_CODE(out, ...) \
    add_code((out), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/*
 * (func (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
 *   (local $at i32)
 *   $at = (BASE + load COUNT + $align - 1) & (0 - $align)
 *   if ($size > LIMIT - $at) unreachable
 *   store COUNT ($at + $size - BASE)
 *   $at)
 */
static void add_function(struct tvn_strbuf *out, uint32_t memory)
{
    enum { ALIGN = 2, SIZE = 3, AT = 4, WORD = 2 };
    uint32_t base = memory + HEADER_SIZE;
    uint32_t count = memory + MARK_SIZE;
    uint32_t limit = memory + TVN_GO_MEMORY_BYTES;
    ADD_CODE(out, 1, 1, I32);
    add_constant(out, base - 1);
    add_constant(out, count);
    ADD_CODE(out, I32_LOAD, WORD, 0, I32_ADD, LOCAL_GET, ALIGN, I32_ADD, I32_CONST, 0, LOCAL_GET,
             ALIGN, I32_SUB, I32_AND, LOCAL_SET, AT, LOCAL_GET, SIZE);
    add_constant(out, limit);
    ADD_CODE(out, LOCAL_GET, AT, I32_SUB, I32_GT_U, IF, BLOCK_VOID, UNREACHABLE, END);
    add_constant(out, count);
    ADD_CODE(out, LOCAL_GET, AT, LOCAL_GET, SIZE, I32_ADD);
    add_constant(out, base);
    ADD_CODE(out, I32_SUB, I32_STORE, WORD, 0, LOCAL_GET, AT, END);
}

/* What the section's vector gets at its end; nothing: the section stays as it is. */
static void add_element(struct tvn_strbuf *out, const struct module *module, uint8_t id)
{
    if (id == SECTION_FUNCTION) {
        add_number(out, module->type);
    } else if (id == SECTION_EXPORT) {
        add_bytes(out, TVN_STR(ADDED));
        tvn_strbuf_add_char(out, KIND_FUNCTION);
        add_number(out, (uint64_t)module->imported + module->defined);
    } else if (id == SECTION_CODE) {
        TVN_AUTO_VALUE(tvn_strbuf) code = {0};
        add_function(&code, module->memory);
        add_bytes(out, tvn_strbuf_view(&code));
        out->failed |= code.failed;
    }
}

static void add_section(struct tvn_strbuf *out, const struct module *module, uint8_t id,
                        struct tvn_str body)
{
    TVN_AUTO_VALUE(tvn_strbuf) element = {0};
    TVN_AUTO_VALUE(tvn_strbuf) longer = {0};
    add_element(&element, module, id);
    if (element.len > 0) {
        struct reader reader = reader_of(body);
        uint32_t count = read_number(&reader);
        add_number(&longer, (uint64_t)count + 1);
        tvn_strbuf_add(&longer, (const char *)reader.at, (size_t)(reader.end - reader.at));
        tvn_strbuf_add_str(&longer, tvn_strbuf_view(&element));
        body = tvn_strbuf_view(&longer);
    }
    tvn_strbuf_add_char(out, (char)id);
    add_bytes(out, body);
    out->failed |= element.failed || longer.failed;
}

enum tvn_status tvn_go_memory_share(struct tvn_str module, struct tvn_strbuf *out)
{
    tvn_assert(out);
    struct module read = {0};
    TVN_TRY(read_module(&read, module));
    tvn_strbuf_add(out, PREAMBLE, PREAMBLE_SIZE);
    for (size_t i = 0; i < read.section_count; i++) {
        add_section(out, &read, read.sections[i].id, read.sections[i].body);
    }
    return out->failed ? TVN_E_OUT_OF_MEMORY : TVN_OK;
}
