using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Aspire.Hosting.Running;

/// <summary>
/// Free ports for processes to listen on. They lie below the range from which Linux takes the local port of a connection that is
/// opened (32768 and up): one found there could be gone before the process listens on it.
/// </summary>
internal static class FreePorts
{
    private static readonly HashSet<int> Given = [];

    public static int Next()
    {
        lock (Given)
        {
            for (var attempt = 0; attempt < 1000; attempt++)
            {
                var port = RandomNumberGenerator.GetInt32(15000, 32000);
                if (IsFree(port) && Given.Add(port)) return port;
            }
        }

        throw new DistributedApplicationException("No free port was found between 15000 and 32000.");
    }

    public static bool IsFree(int port)
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
