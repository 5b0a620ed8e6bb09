using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace InferenceTemplate.Tests.Shared;

/// <summary>Ports for what takes a port's number and can't be told to choose one.</summary>
internal static class Ports
{
    private const int First = 10_240;

    private static readonly ConcurrentDictionary<int, bool> s_given = [];

    /// <summary>
    /// A port that nothing uses. None that the system gives to whoever asks for any, which another process may get before this one is
    /// used; and none twice.
    /// </summary>
    public static int Free()
    {
        var end = FirstOfTheSystem();
        var wait = Wait.For("a port that nothing uses");
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(First, end);
            if (IsFree(port) && s_given.TryAdd(port, true))
            {
                return port;
            }

            wait.ThrowIfOver();
        }
    }

    private static int FirstOfTheSystem()
    {
        const string Range = "/proc/sys/net/ipv4/ip_local_port_range";
        var first = File.Exists(Range) ? int.Parse(File.ReadAllText(Range).Split()[0], CultureInfo.InvariantCulture) : 32_768;
        return first > First + 1000 ? first : 65_536;
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Any, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
