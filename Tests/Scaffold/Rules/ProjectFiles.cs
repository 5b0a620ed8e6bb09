using System.Xml.Linq;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>Solution and projects parse, refer to what is there, and name packages that have a version.</summary>
internal static class ProjectFiles
{
    public static IEnumerable<string> Find(GeneratedProject project)
    {
        var projects = project.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)).ToList();
        var versions = XDocument.Parse(project.Texts["Directory.Packages.props"])
            .Descendants("PackageVersion").Select(each => each.Attribute("Include")!.Value).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var solution = project.Files.Single(file => file.EndsWith(".slnx", StringComparison.Ordinal));
        var listed = XDocument.Parse(project.Texts[solution]).Descendants("Project").Select(each => each.Attribute("Path")!.Value).ToList();
        foreach (var file in listed.Except(projects, StringComparer.Ordinal))
        {
            yield return $"{solution}: names {file}, which is not there";
        }

        foreach (var file in projects.Except(listed, StringComparer.Ordinal))
        {
            yield return $"{solution}: lacks {file}";
        }

        var used = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var file in project.Files.Where(file => Path.GetExtension(file) is ".csproj" or ".props" or ".targets" or ".runsettings"))
        {
            var document = XDocument.Parse(project.Texts[file]);
            foreach (var path in Paths(document).Where(path => !Exists(project, file, path)))
            {
                yield return $"{file}: refers to {path}, which is not there";
            }

            foreach (var package in document.Descendants("PackageReference").Select(each => each.Attribute("Include")?.Value ?? ""))
            {
                used.Add(package);
                if (package.Length > 0 && !package.Contains('$', StringComparison.Ordinal) && !versions.Contains(package))
                {
                    yield return $"{file}: uses {package}, which has no version in Directory.Packages.props";
                }
            }
        }
    }

    private static IEnumerable<string> Paths(XDocument document) =>
        document.Descendants()
            .Where(each => each.Name.LocalName is "ProjectReference" or "Import" or "Compile" or "Content" or "None" or "AdditionalFiles")
            .Where(each =>
                each.Attribute("Sdk") is null && each.Attribute("Condition")?.Value.Contains("Exists(", StringComparison.Ordinal) != true)
            .SelectMany(each => (each.Attribute("Include")?.Value ?? each.Attribute("Project")?.Value ?? "").Split(
                ';', StringSplitOptions.RemoveEmptyEntries));

    private static bool Exists(GeneratedProject project, string file, string path)
    {
        var folder = Path.GetDirectoryName(file)!;
        var full = path.Replace("$(MSBuildThisFileDirectory)", folder + "/", StringComparison.Ordinal)
            .Replace("$(SampleModels)", "/models/", StringComparison.Ordinal).Replace("//", "/", StringComparison.Ordinal);
        if (full.IndexOfAny(['*', '$', '@', '%']) >= 0)
        {
            return true;
        }

        return full.StartsWith('/') ? project.Exists(
            full[1..]) : project.Exists(Path.Combine(path.StartsWith("$(MSBuildThis", StringComparison.Ordinal) ? "" : folder, full));
    }
}
