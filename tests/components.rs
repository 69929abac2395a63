//! Components that keep a compiler at work: the standard validation plugin, carrying a core module that nobody calls.

use wasm_encoder::{
    BlockType, CodeSection, Function, FunctionSection, InstructionSink, Module, RawSection,
    Section, TypeSection, ValType,
};

const VALIDATION: &[u8] = include_bytes!(env!("WASM_PLANWRIGHT_VALIDATION"));

/// In a component: what follows is a core module.
const CORE_MODULE: u8 = 1;

/// A program with libraries, of this many bytes or a little more.
pub(crate) fn large(bytes: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut functions = Vec::new();
    let mut made = 0;
    while made < bytes {
        let mut function = Function::new([(4, ValType::I32)]);
        for _ in 0..400 {
            some_arithmetic(&mut function.instructions(), &mut random);
        }
        function.instructions().local_get(0).end();
        made += function.byte_len();
        functions.push(function);
    }
    carrying(&functions)
}

/// One function that keeps a register allocator busy: as large as a function may be, everything alive to its
/// end, and a branch at every step.
pub(crate) fn hostile(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut function = Function::new([(2_000, ValType::I32)]);
    let mut code = function.instructions();
    for _ in 0..200_000 {
        let (from, to) = (random.u32(1..2_000), random.u32(1..2_000));
        code.local_get(from).if_(BlockType::Empty);
        code.local_get(to).local_get(from).i32_add().local_set(to);
        code.end();
    }
    for local in 1..2_000 {
        code.local_get(local).local_get(0).i32_add().local_set(0);
    }
    code.local_get(0).end();
    carrying(&[function])
}

fn some_arithmetic(code: &mut InstructionSink<'_>, random: &mut fastrand::Rng) {
    let mut local = || random.u32(0..5);
    let (left, right, to) = (local(), local(), local());
    code.local_get(left).local_get(right).i32_add();
    code.i32_const(random.i32(..)).i32_xor().local_set(to);
}

/// The component with one more core module in it, which takes an i32 and gives one in each function.
fn carrying(functions: &[Function]) -> Vec<u8> {
    let (mut types, mut declared, mut code) =
        (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([ValType::I32], [ValType::I32]);
    for function in functions {
        declared.function(0);
        code.function(function);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    let mut carrying = VALIDATION.to_vec();
    RawSection { id: CORE_MODULE, data: module.as_slice() }.append_to(&mut carrying);
    carrying
}
