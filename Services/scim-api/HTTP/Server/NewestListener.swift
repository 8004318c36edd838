import Glibc
import NIOCore

/// Directs new connections to the newer of two sockets that share a port (SO_REUSEPORT).
///
/// The kernel runs a BPF program that returns the index of a socket, in the order in which the sockets began to listen (socket(7),
/// SO_ATTACH_REUSEPORT_CBPF). This one returns 1. With only one socket that index is invalid, and the kernel uses the socket it has.
enum NewestListener {
  /// Attaches the program to all sockets on the port of `socket`, which must be listening already.
  static func select(on socket: any SocketOptionProvider) async throws {
    // The kernel copies the program during the call.
    let instruction = UnsafeMutablePointer<Instruction>.allocate(capacity: 1)
    defer { instruction.deallocate() }
    instruction.initialize(to: Instruction(code: returnConstant, ifTrue: 0, ifFalse: 0, value: 1))
    let program = Program(length: 1, instructions: UInt(bitPattern: instruction))
    try await socket.unsafeSetSocketOption(
      level: .init(rawValue: SOL_SOCKET), name: .init(rawValue: attachReusePortFilter), value: program
    ).get()
  }

  /// `struct sock_filter` of linux/filter.h. The Glibc module does not export it, nor the constants below.
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
