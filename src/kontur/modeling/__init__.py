"""Networks, the matcher and the registration: pictures to detections."""
