using System.ComponentModel;
using System.Runtime.InteropServices;

namespace InferenceTemplate.Worker.Batching;

/// <summary>How willingly the calling thread leaves cores to others.</summary>
internal static partial class ThreadNiceness
{
    private const int Process = 0;

    /// <param name="nice">From 0, like all other threads, to 19. Elsewhere than on Linux every value above 0 is the same.</param>
    public static void Set(int nice)
    {
        if (nice == 0)
        {
            return;
        }

        if (!OperatingSystem.IsLinux())
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
        }
        else if (SetPriority(Process, 0, nice) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"The niceness of a thread could not be set to {nice}.");
        }
    }

    // Linux takes the process 0 for the calling thread.
    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    private static partial int SetPriority(int which, uint who, int nice);
}
