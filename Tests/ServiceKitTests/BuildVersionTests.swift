import Foundation
import Testing

@testable import ServiceKit

@Suite("Build version")
struct BuildVersionTests {
  @Test("The version has the commit that the build wrote beside the executable")
  func commit() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-build-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (file, executable) = (folder.appendingPathComponent(BuildVersion.fileName), folder.appendingPathComponent("scim-api"))
    #expect(BuildVersion.commit(beside: executable) == nil)
    try Data("4f2c1d9a8b7e-dirty\n".utf8).write(to: file)
    #expect(BuildVersion.commit(beside: executable) == "4f2c1d9a8b7e-dirty")
    try Data("not a commit\n".utf8).write(to: file)
    #expect(BuildVersion.commit(beside: executable) == nil)
  }

  @Test("Without a commit the version is the release")
  func text() {
    #expect(BuildVersion.text(release: "1.2.3", commit: nil) == "1.2.3")
    #expect(BuildVersion.text(release: "1.2.3", commit: "4f2c1d9a8b7e") == "1.2.3 (4f2c1d9a8b7e)")
  }
}
