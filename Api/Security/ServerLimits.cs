using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Security;

/// <summary>What one caller's connection may ask of the server before any code of an endpoint runs.</summary>
public sealed class ServerLimits
{
    public const string Section = "Limits";

    /// <summary>Header lines of a request; more are answered 431. Default 100.</summary>
    [Range(10, 1000)]
    public int HeaderCount { get; set; } = 100;

    /// <summary>Bytes of a request's headers together; more are answered 431. Default 32 KiB.</summary>
    [Range(1024, 1 << 20)]
    public int HeaderBytes { get; set; } = 32 << 10;

    /// <summary>Bytes of a request's first line, the path and query among them; more are answered 414. Default 8 KiB.</summary>
    [Range(256, 64 << 10)]
    public int RequestLineBytes { get; set; } = 8 << 10;

    /// <summary>How long a caller may take to send its headers; then its connection is closed. Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a connection may be idle. Default 130 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>
    /// Bytes that a refused caller may still send, to be thrown away, before its connection is closed; 0: none. Default 64 MiB.
    /// </summary>
    [Range(0, 1 << 30)]
    public int LingerBytes { get; set; } = 64 << 20;

    /// <summary>How long a refused caller may still send before its connection is closed. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan LingerTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Open connections of one replica; more are closed at once. Default 10,000.</summary>
    [Range(1, 1_000_000)]
    public int Connections { get; set; } = 10_000;

    /// <summary>
    /// How long an HTTP/2 connection may be silent before the caller is asked whether it is there; one that does not answer within
    /// 20 s is closed. So streams of gRPC that wait are not taken for idle, and callers that are gone free their places. Default 30 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan KeepAlivePing { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Requests at a time on one HTTP/2 connection. Default 100.</summary>
    [Range(1, 10_000)]
    public int StreamsPerConnection { get; set; } = 100;
}
