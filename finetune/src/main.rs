//! The `pairspec-finetune` command: arguments in, exit code out; everything else is in the library.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
