using System.Globalization;

namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>Keeps a second AppHost from a data folder: two Postgres or two Redis in one would destroy it.</summary>
internal sealed class DataFolderLock(string folder) : IDisposable
{
    private readonly string _path = Path.Combine(folder, "lock");

    // A file of its own: the locked one can't be read.
    private readonly string _owner = Path.Combine(folder, "owner");
    private FileStream? _file;

    /// <summary>Makes a folder where there is none.</summary>
    /// <exception cref="DistributedApplicationException">It would lie in another user's.</exception>
    public static void Create(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw AnotherUsers(path, exception);
        }
    }

    /// <summary>Takes the lock; once is enough. The system gives it back when this process ends, however it ends.</summary>
    /// <exception cref="DistributedApplicationException">Another AppHost has it.</exception>
    public void Take()
    {
        if (_file is not null)
        {
            return;
        }

        try
        {
            _file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw AnotherUsers(folder, exception);
        }
        catch (IOException exception)
        {
            throw new DistributedApplicationException(
                $"""
                Process {File.ReadAllText(_owner)} runs Postgres and Redis with the data in '{folder}'.
                Stop it first ('kill {File.ReadAllText(_owner)}'), or give this AppHost a folder of its own: dotnet run --project AppHost -- --Data=PATH
                """,
                exception);
        }

        File.WriteAllText(_owner, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
    }

    public void Dispose() => _file?.Dispose();

    private static DistributedApplicationException AnotherUsers(string path, Exception cause) =>
        new(
            $"""
            The data in '{path}' belongs to another user.
            Remove it ('sudo rm -r {path}'), or give this AppHost a folder of its own: dotnet run --project AppHost -- --Data=PATH
            """,
            cause);
}
