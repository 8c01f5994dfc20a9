# Stands in for Homebrew: runs the formula FILE's install in an unpacked archive, into PREFIX, and prints what it
# would download, as JSON. Only the words that the formula uses are there, so a misspelt one fails.
require "fileutils"
require "json"

class Formula
  class << self
    def facts = @facts ||= {}
    def downloads = @downloads ||= []
    %i[desc homepage version license].each { |fact| define_method(fact) { |value| facts[fact] = value } }
    def on_macos(&) = on(:macos, &)
    def on_linux(&) = on(:linux, &)
    def on_arm(&) = on(:arm, &)
    def on_intel(&) = on(:intel, &)
    def url(value) = downloads << { on: @on.join(" "), url: value }
    def sha256(value) = downloads.last[:sha256] = value
    def test = nil

    private

    def on(what)
      (@on ||= []).push(what)
      yield
      @on.pop
    end
  end

  Place = Struct.new(:directory) do
    def install(what)
      FileUtils.mkdir_p(directory)
      files = what.is_a?(Hash) ? what : Array(what).to_h { |file| [file, File.basename(file)] }
      raise "nothing to install" if files.empty?
      files.each { |from, to| FileUtils.cp(from, File.join(directory, to), preserve: true) }
    end
  end
  {
    bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d",
    zsh_completion: "share/zsh/site-functions", fish_completion: "share/fish/vendor_completions.d"
  }.each { |name, path| define_method(name) { Place.new(File.join(@prefix, path)) } }

  def initialize(prefix) = @prefix = prefix
end

file, prefix = ARGV
load file
Irsactl.new(prefix).install
puts JSON.generate(facts: Irsactl.facts, downloads: Irsactl.downloads)
