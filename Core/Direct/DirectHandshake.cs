using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Core.Direct;

/// <summary>
/// How both ends of a connection prove that they know the secret without sending it: each signs the nonces of both, so that nothing
/// overheard serves a second time, and neither's proof is the other's.
/// </summary>
public sealed class DirectHandshake(string secret)
{
    /// <summary>Bytes of a frame of the handshake at most: who is not known yet gets no more memory.</summary>
    public const int MaxFrame = 1024;

    private const int NonceSize = 32;

    private readonly byte[] _secret = Encoding.UTF8.GetBytes(secret);

    /// <summary>The worker's first word.</summary>
    public sealed record Hello(byte Version, string Worker, byte[] Nonce)
    {
        public static Hello Of(string worker) => new(Frame.ProtocolVersion, worker, RandomNumberGenerator.GetBytes(NonceSize));

        /// <exception cref="InvalidDataException">The frame is damaged.</exception>
        public static Hello Decode(byte[] payload)
        {
            var reader = new WireReader(payload);
            return new Hello(reader.Byte(), reader.RequiredString(), Block(ref reader));
        }

        public byte[] Encode() => WireWriter.Message(writer =>
        {
            writer.Byte(Version);
            writer.String(Worker);
            writer.Block(Nonce);
        });
    }

    /// <summary>The replica's answer.</summary>
    /// <param name="MaxFrame">Bytes of a payload that it reads, at most.</param>
    public sealed record Proof(byte Version, string Replica, int MaxFrame, byte[] Nonce, byte[] Code)
    {
        /// <exception cref="InvalidDataException">The frame is damaged.</exception>
        public static Proof Decode(byte[] payload)
        {
            var reader = new WireReader(payload);
            return new Proof(reader.Byte(), reader.RequiredString(), reader.Int32(), Block(ref reader), Block(ref reader));
        }

        public byte[] Encode() => WireWriter.Message(writer =>
        {
            writer.Byte(Version);
            writer.String(Replica);
            writer.Int32(MaxFrame);
            writer.Block(Nonce);
            writer.Block(Code);
        });
    }

    public Proof Prove(Hello hello, string replica, int maxFrame)
    {
        var nonce = RandomNumberGenerator.GetBytes(NonceSize);
        return new Proof(Frame.ProtocolVersion, replica, maxFrame, nonce, Code("replica", hello, replica, nonce));
    }

    public bool Holds(Hello hello, Proof proof) =>
        proof.Version == Frame.ProtocolVersion
        && CryptographicOperations.FixedTimeEquals(proof.Code, Code("replica", hello, proof.Replica, proof.Nonce));

    /// <summary>The worker's own proof.</summary>
    public byte[] Welcome(Hello hello, Proof proof) => Code("worker", hello, proof.Replica, proof.Nonce);

    public bool IsWelcome(Hello hello, Proof proof, byte[] welcome) =>
        CryptographicOperations.FixedTimeEquals(welcome, Welcome(hello, proof));

    private byte[] Code(string side, Hello hello, string replica, byte[] nonce) => HMACSHA256.HashData(_secret, WireWriter.Message(writer =>
    {
        writer.String(side);
        writer.Byte(hello.Version);
        writer.String(hello.Worker);
        writer.Block(hello.Nonce);
        writer.String(replica);
        writer.Block(nonce);
    }));

    private static byte[] Block(ref WireReader reader)
    {
        var block = reader.Block();
        return block.Length == NonceSize
            ? block.ToArray()
            : throw new InvalidDataException($"A nonce or proof has {block.Length} bytes; {NonceSize} expected.");
    }
}
