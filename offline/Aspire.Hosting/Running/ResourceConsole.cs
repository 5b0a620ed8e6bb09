using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Running;

/// <summary>Shows what resources do: their lines behind their names, and plain status lines. Offline:LogFile takes it all to a file.</summary>
internal sealed partial class ResourceConsole(IConfiguration configuration) : IDisposable
{
    private readonly Lock _lock = new();
    private TextWriter? _writer;
    private bool _colours;

    public void Status(string resource, string text) => Write($"[{resource}] {text}");

    public void Line(string process, string text) => Write($"{process} | {text}");

    public void Dispose()
    {
        lock (_lock)
        {
            if (_writer != Console.Out)
                _writer?.Dispose();

            _writer = TextWriter.Null;
        }
    }

    private void Write(string line)
    {
        lock (_lock)
        {
            _writer ??= Open();
            _writer.WriteLine(_colours ? line : Colour().Replace(line, string.Empty));
        }
    }

    private TextWriter Open()
    {
        if (configuration["Offline:LogFile"] is not { } path)
        {
            _colours = !Console.IsOutputRedirected;
            return Console.Out;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return new StreamWriter(path, append: true) { AutoFlush = true };
    }

    [GeneratedRegex(@"\e\[[0-9;]*m", RegexOptions.None, 1000)]
    private static partial Regex Colour();
}
