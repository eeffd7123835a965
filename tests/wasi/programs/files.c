/* SPDX-License-Identifier: Apache-2.0 */
/* What is in files: reading, writing, places, sizes. */
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fd_of(const char *path, int flags)
{
    int fd = open(path, flags, 0666);
    report(path, fd);
    return fd;
}

static void read_file(void)
{
    enter_grant();
    show("a.txt");
}

static void read_missing(void)
{
    enter_grant();
    show("missing");
}

static void read_in_pieces(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_RDONLY);
    char piece[4];
    ssize_t got;
    while ((got = read(fd, piece, sizeof(piece))) > 0) {
        printf("%zd: %.*s\n", got, (int)got, piece);
    }
    printf("then %zd\n", got);
}

static void write_new(void)
{
    enter_grant();
    put("new.txt", "written");
    show("new.txt");
}

static void write_append(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_WRONLY | O_APPEND);
    report("write", write(fd, " and more", 9));
    close(fd);
    show("a.txt");
}

static void append_ignores_place(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_RDWR | O_APPEND);
    report("seek", lseek(fd, 0, SEEK_SET));
    report("write", write(fd, "!", 1));
    close(fd);
    show("a.txt");
}

static void open_truncates(void)
{
    enter_grant();
    close(fd_of("a.txt", O_WRONLY | O_TRUNC));
    show("a.txt");
}

static void open_exclusive(void)
{
    enter_grant();
    close(fd_of("new", O_WRONLY | O_CREAT | O_EXCL));
    fd_of("new", O_WRONLY | O_CREAT | O_EXCL);
}

static void truncate_shrinks(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_WRONLY);
    report("ftruncate", ftruncate(fd, 2));
    close(fd);
    show("a.txt");
}

static void truncate_grows(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_WRONLY);
    report("ftruncate", ftruncate(fd, 8));
    close(fd);
    show("a.txt");
}

static void truncate_negative(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_WRONLY);
    report("ftruncate", ftruncate(fd, -1));
    show("a.txt");
}

static void seek_from(int fd, const char *what, off_t offset, int whence)
{
    char c = '?';
    off_t at = lseek(fd, offset, whence);
    if (at < 0) {
        printf("%s: %s\n", what, errno_name(errno));
    } else {
        ssize_t got = read(fd, &c, 1);
        printf("%s: at %" PRId64 ", %zd byte '%c'\n", what, (int64_t)at, got, c);
    }
}

static void seek(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_RDONLY);
    seek_from(fd, "set 1", 1, SEEK_SET);
    seek_from(fd, "current +1", 1, SEEK_CUR);
    seek_from(fd, "end -1", -1, SEEK_END);
    seek_from(fd, "beyond the end", 100, SEEK_SET);
    seek_from(fd, "set -1", -1, SEEK_SET);
    seek_from(fd, "current -1000", -1000, SEEK_CUR);
}

static void write_sparse(void)
{
    enter_grant();
    int fd = fd_of("new", O_RDWR | O_CREAT);
    report("seek", lseek(fd, 4, SEEK_SET));
    report("write", write(fd, "x", 1));
    close(fd);
    show("new");
}

static void read_and_write_at(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_RDWR);
    char bytes[3];
    report("pwrite", pwrite(fd, "XY", 2, 1));
    printf("pread: %zd\n", pread(fd, bytes, 3, 0));
    printf("%.3s, place %" PRId64 "\n", bytes, (int64_t)lseek(fd, 0, SEEK_CUR));
    printf("pread at the end: %zd\n", pread(fd, bytes, 3, 1000));
    close(fd);
    show("a.txt");
}

static void two_descriptors(void)
{
    enter_grant();
    int writer = fd_of("a.txt", O_WRONLY);
    int reader = fd_of("a.txt", O_RDONLY);
    char bytes[5] = "";
    report("write", write(writer, "HE", 2));
    report("read", read(reader, bytes, 4));
    printf("%s\n", bytes);
}

static void closed_descriptor(void)
{
    enter_grant();
    char c;
    int fd = fd_of("a.txt", O_RDONLY);
    report("close", close(fd));
    report("read", read(fd, &c, 1));
    report("close again", close(fd));
}

static void wrong_direction(void)
{
    enter_grant();
    char c;
    report("write to a reader", write(fd_of("a.txt", O_RDONLY), "x", 1));
    report("read from a writer", read(fd_of("a.txt", O_WRONLY), &c, 1));
}

static void large_file(void)
{
    enter_grant();
    enum { BLOCK = 65536, BLOCKS = 32 };
    static uint8_t block[BLOCK];
    uint64_t written = 0, seen = 0, size = 0;
    int fd = fd_of("large", O_RDWR | O_CREAT);
    for (int i = 0; i < BLOCKS; i++) {
        for (int k = 0; k < BLOCK; k++) {
            block[k] = (uint8_t)(i * 31 + k * 7);
            written = written * 131 + block[k];
        }
        for (ssize_t done = 0; done < BLOCK;) {
            ssize_t put_now = write(fd, block + done, (size_t)(BLOCK - done));
            if (put_now <= 0) {
                report("write", -1);
                return;
            }
            done += put_now;
        }
    }
    lseek(fd, 0, SEEK_SET);
    ssize_t got;
    while ((got = read(fd, block, BLOCK)) > 0) {
        size += (uint64_t)got;
        for (ssize_t k = 0; k < got; k++) {
            seen = seen * 131 + block[k];
        }
    }
    printf("%" PRIu64 " bytes, %s\n", size, written == seen ? "the same" : "different");
}

static void stdio_lines(void)
{
    enter_grant();
    FILE *file = fopen("lines", "r");
    char line[64];
    unsigned count = 0;
    while (file && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        printf("%u %s\n", ++count, line);
    }
    printf("end: %d, error: %d\n", file && feof(file) != 0, file && ferror(file) != 0);
}

static void stdio_update(void)
{
    enter_grant();
    FILE *file = fopen("a.txt", "r+");
    int c = fgetc(file);
    fseek(file, 0, SEEK_CUR);
    fputc('E', file);
    fseek(file, 0, SEEK_END);
    fprintf(file, " %d bytes", (int)ftell(file));
    report("fclose", fclose(file));
    printf("%c\n", c);
    show("a.txt");
}

static void sync_file(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_WRONLY);
    report("write", write(fd, "s", 1));
    report("fdatasync", fdatasync(fd));
    report("fsync", fsync(fd));
}

static void write_no_bytes(void)
{
    enter_grant();
    int fd = fd_of("a.txt", O_RDWR);
    char c;
    printf("write: %zd\n", write(fd, "", 0));
    printf("read: %zd\n", read(fd, &c, 0));
    show("a.txt");
}

const struct program_case file_cases[] = {
    {"file-read", read_file},
    {"file-read-missing", read_missing},
    {"file-read-in-pieces", read_in_pieces},
    {"file-write-new", write_new},
    {"file-write-append", write_append},
    {"file-append-ignores-place", append_ignores_place},
    {"file-open-truncates", open_truncates},
    {"file-open-exclusive", open_exclusive},
    {"file-truncate-shrinks", truncate_shrinks},
    {"file-truncate-grows", truncate_grows},
    {"file-truncate-negative", truncate_negative},
    {"file-seek", seek},
    {"file-write-sparse", write_sparse},
    {"file-read-and-write-at", read_and_write_at},
    {"file-two-descriptors", two_descriptors},
    {"file-closed-descriptor", closed_descriptor},
    {"file-wrong-direction", wrong_direction},
    {"file-large", large_file},
    {"file-stdio-lines", stdio_lines},
    {"file-stdio-update", stdio_update},
    {"file-sync", sync_file},
    {"file-write-no-bytes", write_no_bytes},
    {NULL, NULL},
};
