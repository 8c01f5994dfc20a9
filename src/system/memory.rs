//! What keeps the signing key's memory from being written to a disk.

/// Switches core dumps off, and on Linux also the reading of this process by others of the same user;
/// root can. A platform that refuses goes on: zeroized buffers are what is left there.
pub fn without_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Also against a kernel that pipes dumps to a program whatever the limit is (core(5)).
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
