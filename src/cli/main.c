/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "host/host.h"

int main(int argc, char **argv)
{
    const char *const *arguments = (const char *const *)argv;
    if (tvn_host_compiler_is_asked(argc, arguments)) {
        return tvn_host_compiler_main();
    }
    return tvn_cli_main(argc, arguments);
}
