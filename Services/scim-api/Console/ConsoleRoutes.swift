import EdgeHTTP
import EdgeReads
import Hummingbird

/// The result of a form.
enum FormResult: Sendable {
  /// Shows a page in the response to the form.
  case page(ConsolePage)
  /// Redirects to a path of the console, which shows `message` once: as a failure if `isFailure` is true, otherwise as a success.
  case redirect(to: String, message: String? = nil, isFailure: Bool = false)
  /// Removes the session cookie, and redirects to a path that needs no session.
  case signOut(to: String)
}

extension RouterGroup<ConsoleContext> {
  /// Adds a page at `path`, for GET and HEAD.
  func page(
    _ path: RouterPath, use handler: @escaping @Sendable (QueryParameters, ConsoleContext) async throws -> ConsolePage
  ) {
    for method in [HTTPRequest.Method.get, .head] {
      on(path, method: method) { request, context -> Response in
        let parameters = try QueryParameters(request.uri.query)
        try parameters.checkText()
        let page = try await handler(parameters, context)
        let message = context.layout.message(in: request, of: context.session)
        return context.layout.response(page, for: context.session, message: message, cookie: context.sessionCookie)
      }
    }
  }

  /// Adds a form at `path`, for POST. Rejects forms without the session's token with 403.
  func form(_ path: RouterPath, use handler: @escaping @Sendable (Form, ConsoleContext) async throws -> FormResult) {
    on(path, method: .post) { request, context -> Response in
      var share = BodyBudget.Share(of: context.bodies, for: .workspace(context.workspace))
      let form = try await Form(of: request, share: &share)
      share.release()
      guard let token = form[ConsoleLayout.formToken], context.session.isTag(token, of: "form") else {
        throw APIError(403, "This page belongs to an earlier session. Nothing was changed. Open the page again and repeat the change.")
      }
      switch try await handler(form, context) {
      case .page(let page): return context.layout.response(page, for: context.session)
      case .redirect(let path, let text, let isFailure):
        let message = text.map { FlashMessage(text: $0, isFailure: isFailure) }
        return context.layout.redirect(to: path, message: message, in: context.session, cookie: context.sessionCookie)
      case .signOut(let path):
        return Response(status: .seeOther, headers: [.location: path, .setCookie: context.sessionCookie.clearing.value])
      }
    }
  }
}
