using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Grpc;

/// <summary>The protocol over gRPC.</summary>
public sealed class GrpcOptions
{
    public const string Section = "Grpc";

    /// <summary>
    /// Which of the ports that the server listens on speaks HTTP/2 only. Without TLS nothing tells a connection's protocol beforehand, so
    /// gRPC needs a port of its own; with TLS every port speaks both. 0: none. Default 0.
    /// </summary>
    [Range(0, 65535)]
    public int Port { get; set; }

    /// <summary>Requests of one stream that are worked on at a time; more are read when some are answered. Default 16.</summary>
    [Range(1, 1024)]
    public int StreamConcurrency { get; set; } = 16;
}
