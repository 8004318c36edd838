import Glibc
import NIOCore

/// Picks which of the sockets that share a port (SO_REUSEPORT) gets a new connection: where there are two, the one that listens last.
///
/// The kernel asks a program of its packet filter's language for the socket's index, in the order in which they began to listen
/// (socket(7), SO_ATTACH_REUSEPORT_CBPF). Ours says 1. Where there is but one, that is no index, and the kernel takes the one there is.
enum NewestListener {
  /// Makes it the rule for all sockets on the port of `socket`, which has to listen already.
  static func select(on socket: any SocketOptionProvider) async throws {
    // The kernel copies it while the option is set.
    let instruction = UnsafeMutablePointer<Instruction>.allocate(capacity: 1)
    defer { instruction.deallocate() }
    instruction.initialize(to: Instruction(code: returnConstant, ifTrue: 0, ifFalse: 0, value: 1))
    let program = Program(length: 1, instructions: UInt(bitPattern: instruction))
    try await socket.unsafeSetSocketOption(
      level: .init(rawValue: SOL_SOCKET), name: .init(rawValue: attachReusePortFilter), value: program
    ).get()
  }

  /// `struct sock_filter` of linux/filter.h, which Glibc's module leaves out; so are the numbers below.
  private struct Instruction: Sendable {
    var code: UInt16
    var ifTrue: UInt8
    var ifFalse: UInt8
    var value: UInt32
  }

  /// `struct sock_fprog`.
  private struct Program: Sendable {
    var length: UInt16
    var instructions: UInt
  }

  /// `BPF_RET | BPF_K`
  private static let returnConstant: UInt16 = 0x06
  private static let attachReusePortFilter: CInt = 51
}
