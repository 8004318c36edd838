import Foundation

/// Folders for the data of the servers that tests start.
enum DataFolder {
  /// The free space in bytes from which memory is used: a run of all tests needs less.
  private static let minimumFreeMemory: Int64 = 16 << 30

  /// A cluster of PostgreSQL has a thousand files, and on a disk, creating them costs the tests more than anything else.
  private static let parent: URL = {
    let memory = URL(filePath: "/dev/shm")
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: memory.path)
    let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
    return free >= minimumFreeMemory ? memory : FileManager.default.temporaryDirectory
  }()

  /// Creates a folder, in memory if there is enough.
  ///
  /// - Parameter server: The name of the server, for the name of the folder.
  /// - Throws: `CocoaError`.
  static func create(for server: String) throws -> URL {
    let folder = parent.appending(path: "rollcall-\(server)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }
}
