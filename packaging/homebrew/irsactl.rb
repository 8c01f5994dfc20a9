# Filled in by packaging/manifests.
class Irsactl < Formula
  desc "Makes a self-managed Kubernetes cluster an OpenID Connect issuer that AWS trusts"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license any_of: ["Apache-2.0", "MIT"]

  on_macos do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/irsactl-aarch64-apple-darwin-v@VERSION@.tgz"
      sha256 "@SHA256 aarch64-apple-darwin@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/irsactl-x86_64-apple-darwin-v@VERSION@.tgz"
      sha256 "@SHA256 x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/irsactl-aarch64-unknown-linux-musl-v@VERSION@.tgz"
      sha256 "@SHA256 aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/irsactl-x86_64-unknown-linux-musl-v@VERSION@.tgz"
      sha256 "@SHA256 x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "irsactl"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/irsactl.bash" => "irsactl"
    zsh_completion.install "completions/_irsactl"
    fish_completion.install "completions/irsactl.fish"
  end

  test do
    system bin/"irsactl", "keygen"
    assert_match "RS256", shell_output("#{bin}/irsactl jwks")
  end
end
