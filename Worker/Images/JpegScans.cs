using System.Buffers.Binary;

namespace InferenceTemplate.Worker.Images;

/// <summary>
/// Counts the scans of a JPEG by its markers. A decoder takes a progressive one without its last scans for a whole one, and shows it
/// blurred; what follows its end, such as the video of a phone's photo, may hold any bytes.
/// </summary>
internal static class JpegScans
{
    private const byte Marker = 0xFF;
    private const byte StartOfImage = 0xD8;
    private const byte EndOfImage = 0xD9;
    private const byte StartOfScan = 0xDA;
    private const byte FirstRestart = 0xD0;
    private const byte Temporary = 0x01;

    /// <returns>Null where it has no end.</returns>
    public static int? Count(ReadOnlySpan<byte> file)
    {
        var (scans, at) = (0, 0);
        while (at < file.Length && file[at..].IndexOf(Marker) is var distance and >= 0)
        {
            at += distance + 1;
            if (at == file.Length)
            {
                return null;
            }

            switch (file[at])
            {
                case Marker:
                    // Fill: the next may be the marker's.
                    break;
                case EndOfImage:
                    return scans;
                case 0 or Temporary or (>= FirstRestart and <= StartOfImage):
                    // A byte of a scan, or a marker with nothing behind it.
                    at++;
                    break;
                default:
                    scans += file[at] == StartOfScan ? 1 : 0;
                    at++;
                    if (file.Length - at < sizeof(ushort))
                    {
                        return null;
                    }

                    // The length has its own two bytes in it.
                    at += Math.Max(sizeof(ushort), (int)BinaryPrimitives.ReadUInt16BigEndian(file[at..]));
                    break;
            }
        }

        return null;
    }
}
