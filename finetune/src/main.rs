//! The `pairspec-finetune` command: arguments in, exit code out; everything else is in the library.

mod cli;

use std::process::ExitCode;

/// Training allocates and frees tensors of megabytes at every step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
