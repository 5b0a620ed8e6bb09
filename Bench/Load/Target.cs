using System.Net;
using System.Text;

namespace InferenceTemplate.Bench.Load;

/// <summary>Where load goes and what each request is.</summary>
internal sealed record Target(string Name, IPEndPoint Server, byte[] Request)
{
    public static Target Create(string name, Uri server, string path, byte[] body, params string[] headers)
    {
        var head = $"POST {path} HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Length: {body.Length}\r\n"
            + string.Concat(headers.Select(h => h + "\r\n")) + "\r\n";
        return new Target(name, new IPEndPoint(IPAddress.Loopback, server.Port), [.. Encoding.ASCII.GetBytes(head), .. body]);
    }
}
