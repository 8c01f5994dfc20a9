//! The faults, and how a run may end that meets one.

use What::{Does, Error, Signals, Stall, Writes};
use serde_json::{Value, json};

use crate::support::tenant::Run;

/// What happens to a call.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) what: What,
    /// Whether the SDK may try again; it does so three times, after pauses of up to a second.
    pub(super) retries: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum What {
    /// AWS answers an error, without any effect.
    Error(u16, &'static str),
    /// The server does this; see faults.py.
    Does(&'static str),
    /// The call is held until `--timeout` is over, and has no effect.
    Stall,
    /// The call is held, these signals are sent, and it goes on. SIGKILL: at this point.
    Signals(&'static [&'static str], &'static str),
    /// A call that changes something is held, somebody else begins and ends, and it goes on.
    Writes(Writer),
}

/// Who else writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Writer {
    /// A run of another issuer, in the same bucket or key store.
    Neighbour,
    /// The same run, on another machine.
    Twin,
}

const fn fault(name: &'static str, what: What, retries: bool) -> Fault {
    Fault {
        name,
        what,
        retries,
    }
}

pub(super) const FAULTS: [Fault; 27] = [
    fault("500", Error(500, "InternalError"), true),
    fault("500-no-retry", Error(500, "InternalError"), false),
    fault("503", Error(503, "SlowDown"), true),
    fault("503-no-retry", Error(503, "SlowDown"), false),
    fault("429", Error(429, "Throttling"), true),
    fault("429-no-retry", Error(429, "Throttling"), false),
    fault("409", Error(409, "OperationAborted"), true),
    fault("denied", Error(403, "AccessDenied"), true),
    fault("expired", Error(400, "ExpiredToken"), true),
    fault("skewed", Error(403, "RequestTimeTooSkewed"), true),
    fault("reset-before", Does("reset-before"), true),
    fault("reset-before-no-retry", Does("reset-before"), false),
    fault("reset-after", Does("reset-after"), true),
    fault("reset-after-no-retry", Does("reset-after"), false),
    fault("delay", Does("delay"), true),
    fault("garbage", Does("garbage"), true),
    fault("truncated", Does("truncated"), true),
    fault("html", Does("html"), true),
    fault("stall", Stall, true),
    fault("kill-before", Signals(&["KILL"], "hold-before"), true),
    fault("kill-after", Signals(&["KILL"], "hold-after"), true),
    fault("int", Signals(&["INT"], "hold-before"), true),
    fault("term", Signals(&["TERM"], "hold-before"), true),
    fault("int-int", Signals(&["INT", "INT"], "hold-before"), true),
    fault("term-int", Signals(&["TERM", "INT"], "hold-before"), true),
    fault("neighbour", Writes(Writer::Neighbour), true),
    fault("twin", Writes(Writer::Twin), true),
];

impl Fault {
    /// What the server is told.
    pub(super) fn plan(&self, nth: usize) -> Value {
        match self.what {
            Error(status, code) => {
                json!({ "nth": nth, "kind": "error", "status": status, "code": code })
            }
            Does(kind) => json!({ "nth": nth, "kind": kind, "seconds": 1 }),
            Stall | Writes(_) => json!({ "nth": nth, "kind": "hold-before" }),
            Signals(_, point) => json!({ "nth": nth, "kind": point }),
        }
    }

    /// The `--timeout`. One who answers 200 to everything lets a run wait for what it wrote to show.
    pub(super) fn timeout(&self) -> u32 {
        match self.what {
            Stall => 3,
            Does("html" | "truncated") => 6,
            _ => 60,
        }
    }

    /// Whether it can happen to a call.
    pub(super) fn is_for(&self, is_changing: bool) -> bool {
        is_changing || !matches!(self.what, Writes(_))
    }

    /// Whether the SDK or our own waiting takes care of it, as if nothing had been.
    fn is_absorbed(&self, call: &Value) -> bool {
        match self.what {
            Does("delay") => true,
            _ if call["anonymous"] == true => false,
            // Without an error code, the SDK does not know 429.
            Error(429, _) if call["operation"] == "HeadBucket" => false,
            Error(500 | 503 | 429, _) | Does("reset-before" | "reset-after") => self.retries,
            // A key store has no such answer.
            Error(409, _) if call["service"] == "secretsmanager" || call["service"] == "ssm" => {
                false
            }
            Error(409, _) => call["changing"] == true,
            _ => false,
        }
    }

    /// Judges the run in which a call met the fault. `confirmed` is how many changes AWS had answered
    /// with success.
    pub(super) fn judge(&self, run: &Run, call: &Value, confirmed: usize) -> Result<(), String> {
        let expect = |ok: bool, what: &str| match ok {
            true => Ok(()),
            false => Err(what.to_owned()),
        };
        let says = |words: &str| run.stderr.contains(words);
        expect(!says("panicked"), "it panicked")?;
        if let Signals(signals, _) = self.what {
            return self.judge_signal(run, call, signals);
        }
        let allowed: &[i32] = match self.what {
            _ if self.is_absorbed(call) => &[0],
            // A fetch of our own is given up after 5 s and made again, where there is time for it.
            Writes(_) => &[0, 4, 5],
            Stall if call["anonymous"] == true => &[0, 124],
            Stall => &[124],
            // Nobody but the owner of the name knows: HeadBucket has no error code.
            Error(400 | 403, _) if call["operation"] == "HeadBucket" => &[0, 1, 4, 5],
            Error(_, "AccessDenied" | "ExpiredToken") if call["anonymous"] == false => {
                match confirmed {
                    0 => &[77],
                    _ => &[5],
                }
            }
            _ => &[0, 1, 3, 4, 5, 77, 124],
        };
        expect(
            allowed.contains(&run.code),
            &format!("the exit code is none of {allowed:?}"),
        )?;
        if matches!(run.code, 1 | 4 | 77) {
            expect(confirmed == 0, "it exits as if nothing had been changed")?;
        }
        if run.code == 5 {
            expect(confirmed > 0, "it exits as if something had been changed")?;
        }
        if run.code == 0 {
            return expect(!says("error:"), "an error, and exit code 0");
        }
        expect(says("error: "), "no error message")?;
        // Of an error whose code was cut off, nobody knows what it was.
        let is_cut = self.what == Does("truncated") && call["status"].as_u64() >= Some(400);
        expect(says("hint: ") || is_cut, "no hint")?;
        let operation = call["operation"].as_str().unwrap();
        let named = match call["anonymous"] == true {
            true => says(call["path"].as_str().unwrap()),
            false => says(operation) || says(&operation.replacen("Get", "GetBucket", 1)),
        };
        // What time ran out on may be another call, and what was misread a later one.
        let elsewhere = matches!(run.code, 3 | 124)
            || matches!(self.what, Does("html" | "truncated") | Writes(_));
        expect(
            named || elsewhere,
            "the message does not name the operation",
        )
    }

    fn judge_signal(&self, run: &Run, call: &Value, signals: &[&str]) -> Result<(), String> {
        let (code, says) = match signals {
            ["KILL"] => return is(run.code == -1, "it was not killed"),
            ["INT"] | ["INT", "INT"] => (130, "interrupted"),
            _ => (143, "interrupted"),
        };
        // A second signal decides when it is another.
        let codes = [code, if signals.len() == 2 { 130 } else { code }];
        is(
            codes.contains(&run.code),
            "the exit code is not the signal's",
        )?;
        is(
            run.stderr.contains(says),
            "it does not say that it was interrupted",
        )?;
        is(run.stderr.contains("run the same command again"), "no hint")?;
        if call["changing"] == true {
            is(
                run.stderr.contains("finishing the call in hand"),
                "it does not finish the call",
            )?;
        }
        Ok(())
    }
}

fn is(ok: bool, what: &str) -> Result<(), String> {
    match ok {
        true => Ok(()),
        false => Err(what.to_owned()),
    }
}
