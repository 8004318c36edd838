import Foundation
import ProvisioningLog

extension ReplayRequest {
  /// The request of `entry`, where it can be sent again.
  ///
  /// - Parameter force: also where the request succeeded.
  /// - Throws: ``Failure`` where it cannot be sent as it was.
  static func of(_ entry: LogEntry, force: Bool) throws(Failure) -> ReplayRequest {
    do throws(Obstacle) {
      return try ReplayRequest(entry, force: force)
    } catch {
      if case .succeeded = error { throw Failure(.refused, "\(error); --force sends it again all the same") }
      throw Failure(.refused, "\(error)")
    }
  }

  /// Where it goes.
  ///
  /// - Parameter edge: the SCIM base URL; of which scheme, host and port are used.
  func url(at edge: URL) throws(Failure) -> URL {
    guard var components = URLComponents(url: edge, resolvingAgainstBaseURL: false) else {
      throw Failure(.configuration, "ROLLCALL_SCIM_URL is no URL that a path can be added to: \(edge)")
    }
    components.percentEncodedQuery = nil
    components.path = ""
    guard let site = components.url?.absoluteString, let url = URL(string: site + target) else {
      throw Failure(.refused, "the path of the request, '\(target.prefix(100))', is none that can be sent again")
    }
    return url
  }
}
