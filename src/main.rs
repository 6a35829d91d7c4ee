//! The `pairspec` command: all of it is in the library, [`pairspec::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    pairspec::cli::main()
}
