"""Is the file a Kubernetes indexed job that plays one run a pod? Exits with what is wrong."""
import sys

import yaml

job = yaml.safe_load(open(sys.argv[1]))
spec = job["spec"]
pod = spec["template"]["spec"]
container = pod["containers"][0]
volumes = {volume["name"] for volume in pod["volumes"]}
mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
checks = {
    "apiVersion and kind": (job["apiVersion"], job["kind"]) == ("batch/v1", "Job"),
    "an index for each pod": spec["completionMode"] == "Indexed",
    "as many as there are runs": isinstance(spec["completions"], int) and spec["completions"] >= spec["parallelism"] >= 1,
    "failed pods are tried again": pod["restartPolicy"] == "OnFailure" and spec["backoffLimit"] > 0,
    "the run of the index": container["command"][:2] == ["phoenix", "compare"] and container["command"][-1] == "--cell",
    "results on the volume": set(mounts) <= volumes and container["command"][3] in mounts.values(),
}
sys.exit("\n".join(name for name, holds in checks.items() if not holds) or 0)
