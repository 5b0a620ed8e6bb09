namespace InferenceTemplate.Tests.Scaffold;

/// <summary>
/// One folder in which one project after the other is built. What is the same in the next one keeps its time and its build output, so
/// that only what an option changes is compiled again.
/// </summary>
internal sealed class Workplace(string root)
{
    public string Root => root;

    /// <summary>Makes this folder the project's, apart from build output of folders that the project has too.</summary>
    public void Take(GeneratedProject project)
    {
        Directory.CreateDirectory(root);
        foreach (var file in project.Files)
        {
            var (from, to) = (project.PathOf(file), Path.Combine(root, file));
            if (File.Exists(to) && File.ReadAllBytes(from).AsSpan().SequenceEqual(File.ReadAllBytes(to)))
            {
                continue;
            }

            // Shared settings reach the compiler as references and options, which the build compares; a new time would compile everything
            // again.
            var time = File.Exists(to) && Path.GetExtension(file) is ".props" ? File.GetLastWriteTimeUtc(to) : DateTime.UtcNow;
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(from, to, overwrite: true);
            File.SetLastWriteTimeUtc(to, time);
        }

        var folders = project.Files.Select(file => Path.GetDirectoryName(file)!).SelectMany(Ancestors).ToHashSet(StringComparer.Ordinal);
        Clean(root, folders, project.Files.ToHashSet(StringComparer.Ordinal));
    }

    private void Clean(string folder, HashSet<string> folders, HashSet<string> files)
    {
        foreach (var file in Directory.GetFiles(folder).Where(file => !files.Contains(Relative(file))))
        {
            File.Delete(file);
        }

        foreach (var inner in Directory.GetDirectories(folder).Where(inner => Path.GetFileName(inner) is not ("bin" or "obj")))
        {
            if (folders.Contains(Relative(inner)))
            {
                Clean(inner, folders, files);
            }
            else
            {
                Directory.Delete(inner, recursive: true);
            }
        }
    }

    private string Relative(string path) => Path.GetRelativePath(root, path).Replace('\\', '/');

    private static IEnumerable<string> Ancestors(string folder)
    {
        for (var each = folder; each.Length > 0; each = Path.GetDirectoryName(each)!)
        {
            yield return each.Replace('\\', '/');
        }
    }
}
