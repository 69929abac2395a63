//! Compiling, in a process of its own. Hostile bytes can make a compiler run for minutes, take all memory or
//! crash; a process can be bounded and killed, and takes nothing with it.
//!
//! The host starts its `compiler` command, which calls [`compile_child`] and does nothing else, and writes to
//! its standard input: four numbers (address space in bytes, processor seconds, bytes of stack, and 1 where it is to
//! stand back; 8 bytes each, little endian) and the component. Native code comes back on standard output, complaints on
//! standard error.
//!
//! What a compilation costs is counted in processor time, which does not depend on who else is at work.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use wasmtime::Engine;

use crate::{Limits, PluginError, engine, stand_back, text};

/// How long the child has to end by itself once its processor time is over.
const LAST_SECONDS: u64 = 5;
/// How much of the child's complaints is read, and shown.
const COMPLAINT_BYTES: u64 = 64 << 10;
const SHOWN_BYTES: usize = 500;

/// How much of the machine a compilation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Each needs address space of its own.
    pub(crate) threads: u8,
    /// Whether it takes only what nobody else wants.
    pub(crate) stands_back: bool,
    /// Processor time of all threads together.
    pub(crate) work: Duration,
    /// Wall-clock time. Where others keep the processors busy, this ends first.
    pub(crate) patience: Duration,
}

/// What became of a compilation.
pub(crate) enum Made {
    /// Native code.
    Code(Vec<u8>),
    /// Nothing: its processor time is over.
    TooMuchWork,
    /// Nothing: it did not get its processor time for too long.
    Starved,
}

/// Compiles a component in a child process within its limits. `subject` is what to call it.
pub(crate) async fn compile(
    command: &[OsString],
    limits: &Limits,
    pace: Pace,
    subject: &str,
    component: &[u8],
) -> Result<Made, PluginError> {
    let failed = |reason: String| PluginError::Compile { plugin: subject.to_owned(), reason };
    let child =
        start(command, pace).map_err(|error| PluginError::io("start the compiler", error))?;
    // Whatever ends this future ends the child with it.
    let Ok(finished) = timeout(pace.patience, converse(child, limits, pace, component)).await
    else {
        return Ok(Made::Starved);
    };
    let (status, code, complaint) =
        finished.map_err(|error| PluginError::io("talk to the compiler", error))?;
    // Whoever is not listened to any more fails, so this comes first.
    if code.len() > limits.compiled_bytes {
        let most = limits.compiled_bytes >> 20;
        return Err(failed(format!("its native code is larger than {most} MiB.")));
    }
    if status.signal() == Some(Signal::XCPU.as_raw()) {
        return Ok(Made::TooMuchWork);
    }
    if !status.success() {
        return Err(failed(complain(status, &complaint, limits)));
    }
    Ok(Made::Code(code))
}

fn start(command: &[OsString], pace: Pace) -> io::Result<Child> {
    let Some((program, arguments)) = command.split_first() else {
        let message = "no compiler command is configured";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    };
    Command::new(program)
        .args(arguments)
        // Nothing of the host's environment is the compiler's business; secrets may be in it.
        .env_clear()
        .env("RAYON_NUM_THREADS", pace.threads.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

async fn converse(
    mut child: Child,
    limits: &Limits,
    pace: Pace,
    component: &[u8],
) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut input) = input {
            // A child that is gone does not read; its exit status says more than a broken pipe.
            let _ = input.write_all(&header(limits, pace)).await;
            let _ = input.write_all(component).await;
        }
    };
    let most = u64::try_from(limits.compiled_bytes).unwrap_or(u64::MAX);
    let ((), code, complaint) =
        tokio::join!(write, read(output, most.saturating_add(1)), read(errors, COMPLAINT_BYTES));
    Ok((child.wait().await?, code?, complaint?))
}

async fn read(from: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn complain(status: ExitStatus, complaint: &[u8], limits: &Limits) -> String {
    let complaint = String::from_utf8_lossy(complaint);
    tracing::debug!("the compiler said: {complaint}");
    let said = text::clean(complaint.trim(), SHOWN_BYTES);
    match status.signal() {
        Some(signal) => {
            let memory = limits.compile_memory_bytes >> 20;
            format!(
                "the compiler, which may use {memory} MiB, was stopped by signal {signal}. {said}"
            )
        }
        None => said,
    }
}

/// All that the compiler command does: reads a component from standard input, writes native code to standard
/// output. Call it first thing in `main`, before any thread is started.
#[must_use]
pub fn compile_child() -> ExitCode {
    match compile_within_limits() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell where standard error is gone too.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn compile_within_limits() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let limits = read_header(&mut input)?;
    restrain(&limits)?;
    let mut component = Vec::new();
    input.read_to_end(&mut component)?;
    let code = native_code(limits.stack_bytes, &component)?;
    io::stdout().lock().write_all(&code)
}

/// The compilation itself, in this process.
pub(crate) fn native_code(stack_bytes: usize, component: &[u8]) -> io::Result<Vec<u8>> {
    let engine = Engine::new(&engine::settings(stack_bytes));
    engine
        .and_then(|engine| engine.precompile_component(component))
        .map_err(|error| io::Error::other(format!("{error:#}")))
}

/// What the child is told of its limits.
struct ChildLimits {
    memory_bytes: u64,
    seconds: u64,
    stack_bytes: usize,
    stands_back: bool,
}

fn header(limits: &Limits, pace: Pace) -> [u8; 32] {
    let stack = u64::try_from(limits.stack_bytes).unwrap_or(u64::MAX);
    let seconds = pace.work.as_secs().max(1);
    let numbers = [limits.compile_memory_bytes, seconds, stack, u64::from(pace.stands_back)];
    let mut header = [0; 32];
    for (place, number) in header.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    header
}

fn read_header(input: &mut impl Read) -> io::Result<ChildLimits> {
    let mut number = || {
        let mut bytes = [0; 8];
        input.read_exact(&mut bytes)?;
        io::Result::Ok(u64::from_le_bytes(bytes))
    };
    Ok(ChildLimits {
        memory_bytes: number()?,
        seconds: number()?,
        stack_bytes: usize::try_from(number()?).map_err(io::Error::other)?,
        stands_back: number()? != 0,
    })
}

/// Bounds this process for good: address space, processor time, no core dump; and lets others go first.
fn restrain(limits: &ChildLimits) -> io::Result<()> {
    let bound = |resource, most, last| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(last) })
    };
    bound(Resource::As, limits.memory_bytes, limits.memory_bytes)?;
    // The first ends it by a signal of its own, so that its parent knows why.
    bound(Resource::Cpu, limits.seconds, limits.seconds.saturating_add(LAST_SECONDS))?;
    bound(Resource::Core, 0, 0)?;
    if limits.stands_back {
        stand_back::whole_process();
    }
    Ok(())
}
