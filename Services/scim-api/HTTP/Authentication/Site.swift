import Foundation
import Models

/// The host that a client called: the custom domain of a workspace, or the app host, at which the token determines the workspace.
package struct Site: Sendable, Hashable {
  /// The scheme and authority of URLs in responses, such as `https://app.example.com`.
  package var url: String
  /// The host name without scheme and port.
  package var host: String
  /// The workspace with this custom domain; nil for the app host. Any other host is treated as the app host.
  package var workspace: WorkspaceID?

  /// The SCIM base URL at the host.
  package var baseURL: BaseURL { BaseURL(site: url) }

  /// Checks that a caller from the workspace `caller` may use this host.
  ///
  /// - Throws: 401 if the host is the custom domain of another workspace.
  package func admit(_ caller: WorkspaceID) throws(APIError) {
    if let workspace, workspace != caller { throw .otherWorkspacesDomain(host) }
  }
}

/// Determines the site of a request.
package struct Sites: Sendable {
  /// The scheme and authority of the app host; nil if any host that is not a custom domain is used as called.
  private let publicSite: String?
  private let publicHost: String?
  /// How the origin of a request is determined.
  package let origins: OriginRule
  /// The custom domains of workspaces.
  package let domains: DomainCache

  /// - Parameters:
  ///   - publicURL: the URL of the app host, which cannot be a custom domain; nil to use the host of each request.
  ///   - origins: determines the origin of a request.
  ///   - domains: the custom domains of workspaces.
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
      // The same proxy or listener serves all hosts, so they use the scheme of the app host.
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
      '\(host)' is the domain of another workspace than that of the access token. Enter the SCIM URL of the token's workspace in the \
      identity provider, or a token that was created in this workspace.
      """
    ).forProduct(
      """
      '\(host)' is the domain of another workspace than that of the request. Call the host of the deployment, or name the workspace of \
      the domain.
      """)
  }
}
