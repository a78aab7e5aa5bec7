/* check.mjs -- what tests in JavaScript share: cases, comparison, the closing
 * line "N passed, N failed, N skipped". */
let passed = 0, failed = 0, skipped = 0;

export function check(ok, text) {
    if (ok) {
        passed++;
    } else {
        failed++;
        console.log(`FAIL ${text}`);
    }
}

export function equal(got, want, text) {
    const [g, w] = [got, want].map((v) => JSON.stringify(v));
    check(g === w, `${text}: got ${g}, want ${w}`);
}

/* The error of act, which must fail with a message like that. */
export async function fails(act, pattern, text) {
    try {
        await act();
    } catch (e) {
        check(pattern.test(e.message), `${text}: fails with "${e.message}"`);
        return e;
    }
    check(false, `${text}: no error`);
    return {};
}

/* Runs a case; what it throws is a failure with its place. */
export async function test(name, act) {
    try {
        await act();
    } catch (e) {
        check(false, `${name}: ${e.stack}`);
    }
}

/* A part that cannot run here, and why. */
export function skip(text) {
    skipped++;
    console.log(`skip: ${text}`);
}

export function close() {
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    process.exitCode = failed > 0 ? 1 : 0;
}
