import Foundation
import Models

/// The host that was called, as the deployment sees it: its own, under which a token picks the workspace, or a workspace's.
package struct Site: Sendable, Hashable {
  /// Scheme and authority of the URLs in answers, `https://app.example.com`.
  package var url: String
  /// Without scheme and port.
  package var host: String
  /// Whose domain it is; nil for the deployment's own host, and for every other that is nobody's.
  package var workspace: WorkspaceID?

  /// The SCIM base URL at the host.
  package var baseURL: BaseURL { BaseURL(site: url) }

  /// - Throws: 401 where the workspace's token is not for here.
  package func admit(_ caller: WorkspaceID) throws(APIError) {
    if let workspace, workspace != caller { throw .otherWorkspacesDomain(host) }
  }
}

/// Tells the sites apart.
package struct Sites: Sendable {
  /// Scheme and authority of the deployment's own host; nil where every host that is no workspace's is.
  private let publicSite: String?
  private let publicHost: String?
  /// How the origin of a request is determined.
  package let origins: OriginRule
  /// The custom domains of workspaces.
  package let domains: DomainCache

  /// - Parameter publicURL: of the deployment's own host, which no workspace can take.
  package init(publicURL: String?, origins: OriginRule, domains: DomainCache) {
    publicSite = publicURL.map { String($0[..<($0.lastIndex { $0 != "/" }.map($0.index(after:)) ?? $0.startIndex)]) }
    publicHost = publicURL.flatMap { URL(string: $0)?.host()?.lowercased() }
    self.origins = origins
    self.domains = domains
  }

  /// The site of a request's origin.
  package func site(of origin: Origin) async throws -> Site {
    let host = origin.host
    if host != publicHost, let workspace = try await domains.workspace(of: host) {
      // One front serves all hosts: what the clients of the deployment's own speak, those of the others do, too.
      let scheme = publicSite?.hasPrefix("https:") == true ? "https" : origin.scheme
      return Site(url: "\(scheme)://\(origin.authority)", host: host, workspace: workspace)
    }
    return Site(url: publicSite ?? "\(origin.scheme)://\(origin.authority)", host: publicHost ?? host, workspace: nil)
  }
}

extension APIError {
  fileprivate static func otherWorkspacesDomain(_ host: String) -> APIError {
    challenge(
      "invalid_token",
      """
      '\(host)' is the domain of another workspace than the one that the access token was made in. Enter the SCIM URL of the token's own \
      workspace in the identity provider, or a token that was made in this one.
      """)
  }
}
