/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "tvn_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

struct fixture {
    char directory[64];
    char path[96];
};

static int make_directory(void **state)
{
    static struct fixture fixture;
    strcpy(fixture.directory, "/tmp/tvn-test-file-XXXXXX");
    if (!mkdtemp(fixture.directory)) {
        return -1;
    }
    snprintf(fixture.path, sizeof(fixture.path), "%s/input", fixture.directory);
    *state = &fixture;
    return 0;
}

static int remove_directory(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->path);
    return rmdir(fixture->directory);
}

static void write_file(const char *path, size_t length)
{
    FILE *file = fopen(path, "w");
    if (!file) {
        fail_msg("cannot create '%s'", path);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(fputc('a' + (int)(i % 26), file), 'a' + (int)(i % 26));
    }
    assert_int_equal(fclose(file), 0);
}

static void test_file_read_returns_bytes_with_nul(void **state)
{
    struct fixture *fixture = *state;
    static const size_t lengths[] = {0, 1, 4095, 4096, 4097, 100000};
    for (size_t i = 0; i < TVN_ARRAY_LEN(lengths); i++) {
        write_file(fixture->path, lengths[i]);
        TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};

        assert_status(tvn_file_read(fixture->path, 1 << 20, &bytes), TVN_OK);

        assert_int_equal(bytes.len, lengths[i]);
        assert_int_equal(bytes.ptr[lengths[i]], 0);
        for (size_t k = 0; k < lengths[i]; k++) {
            assert_int_equal(bytes.ptr[k], 'a' + (int)(k % 26));
        }
    }
}

static void test_file_read_at_limit_is_ok_and_beyond_is_full(void **state)
{
    struct fixture *fixture = *state;
    static const size_t lengths[] = {1, 100, 4096, 10000};
    for (size_t i = 0; i < TVN_ARRAY_LEN(lengths); i++) {
        write_file(fixture->path, lengths[i]);
        TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
        errno = 0;
        assert_status(tvn_file_read(fixture->path, lengths[i] - 1, &bytes), TVN_FULL);
        assert_int_equal(errno, EFBIG);
        assert_null(bytes.ptr);
        assert_status(tvn_file_read(fixture->path, lengths[i], &bytes), TVN_OK);
        assert_int_equal(bytes.len, lengths[i]);
    }
}

static void test_file_read_with_no_limit(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, 3);
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    assert_status(tvn_file_read(fixture->path, SIZE_MAX, &bytes), TVN_OK);
    assert_int_equal(bytes.len, 3);
}

static void test_file_read_of_missing_file_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct tvn_file_bytes bytes = {0};
    char below[128];
    assert_status(tvn_file_read(fixture->path, 10, &bytes), TVN_NOT_FOUND);
    assert_int_equal(errno, ENOENT);
    write_file(fixture->path, 1);
    snprintf(below, sizeof(below), "%s/below", fixture->path);
    assert_status(tvn_file_read(below, 10, &bytes), TVN_NOT_FOUND);
    assert_int_equal(errno, ENOTDIR);
    assert_status(tvn_file_read("", 10, &bytes), TVN_NOT_FOUND);
}

static void test_file_read_of_directory_is_io_error(void **state)
{
    struct fixture *fixture = *state;
    struct tvn_file_bytes bytes = {0};
    assert_status(tvn_file_read(fixture->directory, 10, &bytes), TVN_E_IO_ERROR);
    assert_int_equal(errno, EISDIR);
    assert_null(bytes.ptr);
}

static void test_file_read_trusts_no_stated_size(void **state)
{
    (void)state;
    /* Under /proc the stated size is 0; /dev/zero never ends. */
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};
    assert_status(tvn_file_read("/proc/self/status", 1 << 20, &bytes), TVN_OK);
    assert_true(bytes.len > 100);
    struct tvn_file_bytes none = {0};
    assert_status(tvn_file_read("/dev/zero", 100000, &none), TVN_FULL);
    assert_status(tvn_file_read("/dev/null", 0, &none), TVN_OK);
    tvn_file_bytes_deinit(&none);
}

static void *feed_pipe(void *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < 3; i++) {
        enum tvn_status status = tvn_fd_write_all(fd, "part\n", 5);
        if (status != TVN_OK) {
            break;
        }
        usleep(2000);
    }
    tvn_fd_close(&fd);
    return NULL;
}

static void test_file_read_of_pipe_reads_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, feed_pipe, fixture->path), 0);
    TVN_AUTO_VALUE(tvn_file_bytes) bytes = {0};

    assert_status(tvn_file_read(fixture->path, 100, &bytes), TVN_OK);

    pthread_join(writer, NULL);
    assert_int_equal(bytes.len, 15);
    assert_string_equal((char *)bytes.ptr, "part\npart\npart\n");
}

static void test_file_read_regular_of_pipe_does_not_wait(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    struct tvn_file_bytes bytes = {0};

    assert_status(tvn_file_read_regular(fixture->path, 100, &bytes),
                  TVN_E_IO_ERROR); /* no writer */

    assert_int_equal(errno, ENOTSUP);
    assert_status(tvn_file_read_regular("/dev/zero", 100, &bytes), TVN_E_IO_ERROR);
    assert_int_equal(errno, ENOTSUP);
    assert_status(tvn_file_read_regular(fixture->directory, 100, &bytes), TVN_E_IO_ERROR);
    assert_int_equal(errno, EISDIR);
    assert_null(bytes.ptr);
}

static void test_file_read_when_memory_is_exhausted_leaks_nothing(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, 100);
    struct tvn_file_bytes bytes = {0};
    tvn_mem_fail_at(1, false);
    assert_status(tvn_file_read(fixture->path, 1000, &bytes), TVN_E_OUT_OF_MEMORY);
    assert_int_equal(errno, ENOMEM);
    tvn_mem_fail_at(2, false); /* growing while reading something of unknown size */
    assert_status(tvn_file_read("/dev/zero", 100000, &bytes), TVN_E_OUT_OF_MEMORY);
    assert_null(bytes.ptr);
}

static void *drain_slowly(void *fd_pointer)
{
    int fd = *(int *)fd_pointer;
    char chunk[4096];
    size_t total = 0;
    ssize_t got;
    while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
        total += (size_t)got;
        usleep(100);
    }
    return (void *)(uintptr_t)total;
}

static void test_fd_write_all_waits_for_a_full_non_blocking_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    size_t length = 1 << 20; /* larger than a pipe holds */
    TVN_AUTO_FREE char *bytes = tvn_calloc(length, 1);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, drain_slowly, &ends[0]), 0);

    assert_status(tvn_fd_write_all(ends[1], bytes, length), TVN_OK);

    tvn_fd_close(&ends[1]);
    void *total = NULL;
    pthread_join(reader, &total);
    assert_int_equal((uintptr_t)total, length);
    tvn_fd_close(&ends[0]);
}

static void test_fd_write_patiently_ends_when_nobody_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0); /* it blocks */
    size_t length = 1 << 20;
    TVN_AUTO_FREE char *bytes = tvn_calloc(length, 1);

    errno = 0;
    assert_status(tvn_fd_write_patiently(ends[1], bytes, length, 0), TVN_E_IO_ERROR);

    assert_int_equal(errno, ETIMEDOUT);
    char chunk[4096];
    assert_int_equal(read(ends[0], chunk, sizeof(chunk)), sizeof(chunk)); /* what had room */
    tvn_fd_close(&ends[0]);
    tvn_fd_close(&ends[1]);
}

static void test_fd_write_patiently_goes_on_while_somebody_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    size_t length = 1 << 20;
    TVN_AUTO_FREE char *bytes = tvn_calloc(length, 1);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, drain_slowly, &ends[0]), 0);

    assert_status(tvn_fd_write_patiently(ends[1], bytes, length, UINT64_MAX), TVN_OK);

    tvn_fd_close(&ends[1]);
    void *total = NULL;
    pthread_join(reader, &total);
    assert_int_equal((uintptr_t)total, length);
    tvn_fd_close(&ends[0]);
    assert_status(tvn_fd_write_patiently(-1, NULL, 0, 0), TVN_OK); /* nothing to write */
}

static void test_fd_write_all_to_closed_descriptor_is_io_error(void **state)
{
    (void)state;
    errno = 0;
    assert_status(tvn_fd_write_all(-1, "x", 1), TVN_E_IO_ERROR);
    assert_int_equal(errno, EBADF);
    assert_status(tvn_fd_write_all(-1, NULL, 0), TVN_OK); /* nothing to write */
}

static void test_fd_close_sets_minus_one_and_keeps_errno(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int copy = fd;
    errno = EPERM;
    tvn_fd_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(fcntl(copy, F_GETFD), -1);
    tvn_fd_close(&fd);
    assert_int_equal(fd, -1);
}

static void test_file_exists_for_file_directory_and_missing(void **state)
{
    struct fixture *fixture = *state;
    assert_true(tvn_file_exists(fixture->directory));
    assert_false(tvn_file_exists(fixture->path));
    write_file(fixture->path, 0);
    assert_true(tvn_file_exists(fixture->path));
}

static void check_join(const char *directory, const char *name, const char *expected)
{
    TVN_AUTO_FREE char *joined = tvn_path_join(directory, name);
    assert_string_equal(joined, expected);
}

static void test_path_join_uses_one_slash(void **state)
{
    (void)state;
    check_join("a", "b", "a/b");
    check_join("a/", "b", "a/b");
    check_join("a//", "b/c", "a/b/c");
    check_join("/", "b", "/b");
    check_join("//", "b", "/b");
    check_join("", "b", "b");
    check_join("a", "/b", "/b");
    check_join("a", "", "a");
    check_join("", "", "");
    check_join(".", "b", "./b");
}

static void check_dirname(const char *path, const char *expected)
{
    TVN_AUTO_FREE char *directory = tvn_path_dirname(path);
    assert_string_equal(directory, expected);
}

static void test_path_dirname_like_posix(void **state)
{
    (void)state;
    check_dirname("a/b", "a");
    check_dirname("a/b/c", "a/b");
    check_dirname("a", ".");
    check_dirname("", ".");
    check_dirname("a/", ".");
    check_dirname("a//b", "a");
    check_dirname("/a", "/");
    check_dirname("//a", "/");
    check_dirname("/", "/");
    check_dirname("///", "/");
    check_dirname("a/b//", "a");
}

static void test_path_functions_when_memory_is_exhausted_return_null(void **state)
{
    (void)state;
    tvn_mem_fail_at(1, true);
    assert_null(tvn_path_join("a", "b"));
    assert_null(tvn_path_join("a", "/b"));
    assert_null(tvn_path_join("a", ""));
    assert_null(tvn_path_dirname("a"));
    assert_null(tvn_path_dirname("a/b"));
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

static const struct CMUnitTest tests[] = {
    WITH_DIRECTORY(test_file_read_returns_bytes_with_nul),
    WITH_DIRECTORY(test_file_read_at_limit_is_ok_and_beyond_is_full),
    WITH_DIRECTORY(test_file_read_with_no_limit),
    WITH_DIRECTORY(test_file_read_of_missing_file_is_not_found),
    WITH_DIRECTORY(test_file_read_of_directory_is_io_error),
    cmocka_unit_test(test_file_read_trusts_no_stated_size),
    WITH_DIRECTORY(test_file_read_of_pipe_reads_to_its_end),
    WITH_DIRECTORY(test_file_read_regular_of_pipe_does_not_wait),
    WITH_DIRECTORY(test_file_read_when_memory_is_exhausted_leaks_nothing),
    cmocka_unit_test(test_fd_write_all_waits_for_a_full_non_blocking_pipe),
    cmocka_unit_test(test_fd_write_patiently_ends_when_nobody_reads),
    cmocka_unit_test(test_fd_write_patiently_goes_on_while_somebody_reads),
    cmocka_unit_test(test_fd_write_all_to_closed_descriptor_is_io_error),
    cmocka_unit_test(test_fd_close_sets_minus_one_and_keeps_errno),
    WITH_DIRECTORY(test_file_exists_for_file_directory_and_missing),
    cmocka_unit_test(test_path_join_uses_one_slash),
    cmocka_unit_test(test_path_dirname_like_posix),
    cmocka_unit_test(test_path_functions_when_memory_is_exhausted_return_null),
};
TVN_TEST_MAIN("base.file", tests)
