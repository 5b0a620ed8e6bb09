namespace InferenceTemplate.Core.Direct;

public enum FrameType : byte
{
    /// <summary>Worker: who it is, and a nonce. The first frame of a connection.</summary>
    Hello = 1,

    /// <summary>Replica: who it is, a nonce, and the proof that it knows the secret.</summary>
    Proof = 2,

    /// <summary>Worker: the proof that it knows the secret too.</summary>
    Welcome = 3,

    /// <summary>Worker: the model versions that it has open and ready, all of them; again after each change.</summary>
    Serves = 4,

    /// <summary>Replica: a request, in the form of <see cref="Queue.RequestCodec"/>.</summary>
    Request = 5,

    /// <summary>Worker: answers, in the form of <see cref="Queue.ReplyBatch"/>.</summary>
    Replies = 6,

    /// <summary>Worker: a request that its bounds refuse.</summary>
    Refused = 7,

    /// <summary>Worker: a request that did not come to its end here.</summary>
    Returned = 8,

    /// <summary>Replica: nobody waits for this request any more.</summary>
    Cancel = 9,

    /// <summary>Replica: are you there?</summary>
    Ping = 10,

    /// <summary>Worker: yes, and how its queues stand.</summary>
    Pong = 11,

    /// <summary>Worker: it drains; send nothing more.</summary>
    GoAway = 12,

    /// <summary>Worker: the next part of the text of an answer that is on its way; the whole follows in <see cref="Replies"/>.</summary>
    Part = 13,
}

/// <summary>One message of a direct connection: on the wire four bytes of length (little-endian), one of type, then the payload.</summary>
public readonly record struct Frame(FrameType Type, byte[] Payload)
{
    public const int HeaderSize = 5;

    /// <summary>Raised when frames change; a replica leaves workers of another version to Redis.</summary>
    public const byte ProtocolVersion = 2;
}
