/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is behind wasi:filesystem: preopened directories made of the grants, descriptors, streams
 * over a file, listings.
 *
 * A descriptor's rights are those of its preopen and never grow: `can_read` when some grant to read
 * covers the preopen's path, `can_write` likewise. Each use is told to the owner's check with the
 * preopen's path as scope; what the path layer refuses is told as a use beyond every scope.
 *
 * Threads: those of the context. Memory: a file lives while a handle or a stream refers to it.
 * Limits: TVN_WASI_PREOPENS_MAX grants' directories, TVN_WASI_DESCRIPTORS_MAX open descriptors
 * (files, listings and sockets together) per context.
 */
#include "wasi/beneath_internal.h"
#include "wasi/byte_stream_internal.h"

#include <sys/types.h>

struct tvn_wasi;
struct tvn_sandbox;

#define TVN_WASI_PREOPENS_MAX    64
#define TVN_WASI_DESCRIPTORS_MAX 256
#define TVN_WASI_LISTING_BYTES   8192

/* Bits of wasi:filesystem's descriptor-flags. */
enum tvn_wasi_file_flags {
    TVN_WASI_FILE_READ = 1 << 0,
    TVN_WASI_FILE_WRITE = 1 << 1,
    TVN_WASI_FILE_SYNC = 1 << 2,
    TVN_WASI_FILE_DATA_SYNC = 1 << 3,
    TVN_WASI_FILE_REQUESTED_SYNC = 1 << 4,
    TVN_WASI_FILE_MUTATE_DIRECTORY = 1 << 5,
};

struct tvn_wasi_preopen {
    char *path; /* of the grant, and the guest's name for it */
    int fd;     /* O_PATH */
    bool can_read;
    bool can_write;
};

struct tvn_wasi_preopens {
    struct tvn_wasi_preopen *items;
    size_t count;
};

struct tvn_wasi_file {
    struct tvn_wasi *wasi;
    const struct tvn_wasi_preopen *preopen;
    uint32_t refs;
    int fd; /* directories: O_PATH */
    bool is_directory;
    uint32_t flags; /* enum tvn_wasi_file_flags, as it was opened */
};

struct tvn_wasi_listing {
    struct tvn_wasi_file *directory; /* holds a reference */
    int fd;
    size_t at;
    size_t length;
    /* struct dirent64 as the kernel packs them */
    _Alignas(8) char entries[TVN_WASI_LISTING_BYTES];
};

/*
 * COLD PATH. Opens the directories of the sandbox's filesystem grants. One that cannot be opened is
 * logged and left out: the guest sees nothing of it. TVN_E_OUT_OF_MEMORY.
 */
TVN_NODISCARD enum tvn_status tvn_wasi_preopens_init(struct tvn_wasi_preopens *preopens,
                                                     const struct tvn_sandbox *sandbox);
void tvn_wasi_preopens_deinit(struct tvn_wasi_preopens *preopens);

/* May one more descriptor be opened? Counts it; the other gives it back. */
TVN_NODISCARD bool tvn_wasi_descriptor_take(struct tvn_wasi *wasi);
void tvn_wasi_descriptor_give_back(struct tvn_wasi *wasi);

/*
 * COLD PATH. A file with one reference; takes fd on success, and gives a counted descriptor back
 * with it. NULL when memory is exhausted.
 */
TVN_NODISCARD struct tvn_wasi_file *tvn_wasi_file_create(struct tvn_wasi *wasi,
                                                         const struct tvn_wasi_preopen *preopen,
                                                         TVN_TAKEN int fd, bool is_directory,
                                                         uint32_t flags);
void tvn_wasi_file_unref(struct tvn_wasi_file *file);

// WARM PATH. 0, or the errno of the denial, which is counted.
TVN_NODISCARD int tvn_wasi_file_may_read(const struct tvn_wasi_file *file);
TVN_NODISCARD int tvn_wasi_file_may_write(const struct tvn_wasi_file *file);
/* Names, types, times: either right will do. */
TVN_NODISCARD int tvn_wasi_file_may_look(const struct tvn_wasi_file *file);
/* COLD PATH. Tells the owner's check that the path layer refused `path`; returns the errno. */
TVN_NODISCARD int tvn_wasi_file_refuse(const struct tvn_wasi_file *file,
                                       enum tvn_beneath_refusal refusal, bool writing,
                                       const struct tvn_beneath_path *path);

// COLD PATH. A stream with one reference over the file. NULL when memory is exhausted.
TVN_NODISCARD struct tvn_byte_stream *tvn_wasi_file_reader(struct tvn_wasi_file *file,
                                                           off_t offset);
/* offset -1: appends, each piece atomically. */
TVN_NODISCARD struct tvn_byte_stream *tvn_wasi_file_writer(struct tvn_wasi_file *file,
                                                           off_t offset);

/* COLD PATH. 0, an errno; *out_listing is the caller's. */
TVN_NODISCARD int tvn_wasi_listing_create(struct tvn_wasi_file *directory,
                                          struct tvn_wasi_listing **out_listing);
void tvn_wasi_listing_destroy(struct tvn_wasi_listing *listing);
/* The next entry but "." and ".."; *out_name is NULL at the end, else lent until the next call. */
TVN_NODISCARD int tvn_wasi_listing_next(struct tvn_wasi_listing *listing, const char **out_name,
                                        mode_t *out_type);
