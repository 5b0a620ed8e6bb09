namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>How the kubelet asks a container.</summary>
public sealed class ProbeV1
{
    public ExecActionV1? Exec { get; set; }
    public int? FailureThreshold { get; set; }
    public int? SuccessThreshold { get; set; }
    public int? InitialDelaySeconds { get; set; }
    public int? PeriodSeconds { get; set; }
    public long? TerminationGracePeriodSeconds { get; set; }
    public int? TimeoutSeconds { get; set; }
    public HttpGetActionV1? HttpGet { get; set; }
    public TcpSocketActionV1? TcpSocket { get; set; }
}

/// <summary>By a command.</summary>
public sealed class ExecActionV1
{
    public List<string> Command { get; } = [];
}

/// <summary>By HTTP.</summary>
public sealed class HttpGetActionV1
{
    public string Scheme { get; set; } = null!;
    public string Path { get; set; } = null!;
    public string Host { get; set; } = null!;
    public Int32OrStringV1? Port { get; set; }
}

/// <summary>By a connection.</summary>
public sealed class TcpSocketActionV1
{
    public string Host { get; set; } = null!;
    public int Port { get; set; }
}
