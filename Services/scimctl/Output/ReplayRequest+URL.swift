import Foundation
import ProvisioningLog

extension ReplayRequest {
  /// Returns the request of `entry`, to be sent again.
  ///
  /// - Parameter force: Whether to allow requests that succeeded.
  /// - Throws: ``ScimctlError`` if the request cannot be sent again unchanged.
  static func of(_ entry: LogEntry, force: Bool) throws(ScimctlError) -> ReplayRequest {
    do throws(Obstacle) {
      return try ReplayRequest(entry, force: force)
    } catch {
      if case .succeeded = error { throw ScimctlError(.rejected, "\(error); --force sends it again anyway") }
      throw ScimctlError(.rejected, "\(error)")
    }
  }

  /// The URL of the request.
  ///
  /// - Parameter edge: The SCIM base URL. Only its scheme, host and port are used.
  func url(at edge: URL) throws(ScimctlError) -> URL {
    guard var components = URLComponents(url: edge, resolvingAgainstBaseURL: false) else {
      throw ScimctlError(.configuration, "ROLLCALL_SCIM_URL is not a valid base URL: \(edge)")
    }
    components.percentEncodedQuery = nil
    components.path = ""
    guard let site = components.url?.absoluteString, let url = URL(string: site + target) else {
      throw ScimctlError(.rejected, "the request cannot be sent again: its path '\(target.prefix(100))' is not valid in a URL")
    }
    return url
  }
}
